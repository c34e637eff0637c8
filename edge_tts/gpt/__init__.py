"""The GPT: phones and speaker tokens go in, 25 Hz semantic tokens come out, one at a time. Knows graphs, not sound."""
