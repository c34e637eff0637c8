"""The builder's sub-commands, one module each: its arguments, and what it calls. Heavy imports wait until it runs."""
