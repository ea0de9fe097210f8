"""The Stunnel proxy of direct volume migration, as the operator and stunnel really read it."""
