"""The runtime's own sub-commands. Arguments come in, an exit code goes out; heavy imports happen inside `run`."""
