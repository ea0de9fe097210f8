"""What is added to findings after the evaluation: waived, new, accepted by the gate, ticketed."""
