"""What is said of findings after they were judged: waived, new, accepted by the gate, ticketed."""
