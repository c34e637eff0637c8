"""What others have trained, brought in: a GPT-SoVITS voice becomes a bundle, a BERT the bundle's text features."""
