"""The daemon: commands come in over MQTT, speech goes out through a loudspeaker, events go back.

May import paho-mqtt, sounddevice and `edge_tts`; never torch, never `build_engines`. Decisions (what a payload means,
who speaks next) are pure functions in `commands`, `offer` and `queue`; `daemon`, `session`, `player` and the sinks
are the thin shell around them.
"""
