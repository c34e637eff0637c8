"""Safe reading of GPT-SoVITS checkpoints: an untrusted file goes in, checked dimensions and tensors come out."""
