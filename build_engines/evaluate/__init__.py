"""Measures a voice: what a listener understands, how long it speaks, whose voice it is. Judges, never trains."""
