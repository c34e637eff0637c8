"""The networks, in PyTorch: what training learns and what export turns into graphs."""
