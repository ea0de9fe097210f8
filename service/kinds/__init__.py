"""What the policies read: one file per API area, which holds of each kind the dataclass, the reader
that makes it of a parsed object, what `collect` leaves out of it, and the resource itself."""
