"""Answers: which format, problems, and what need not be made twice."""
