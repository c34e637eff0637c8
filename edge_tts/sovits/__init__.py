"""The acoustic decoder: semantic tokens go in, sound comes out in windows whose seams can't be heard.

May import numpy and the engine interface; knows nothing of text or of how tokens are drawn.
"""
