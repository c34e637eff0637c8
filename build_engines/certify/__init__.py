"""The gate: an INT8 bundle and the float bundle it was made of go in, a certificate comes out.

Both speak the same tokens (`forced`: what quantization does to the sound) and then each its own (`free`: what it does
to speaking). `figures` boils the rows down, `bars` says what will do, and `gate.certify` is all of it in one call.
Nothing here changes a bundle but `store.write_certificate`. May import edge_tts and the builder, not torch.
"""
