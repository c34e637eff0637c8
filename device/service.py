"""Puts the daemon together and runs it until a signal: voice, sink, broker, session."""

from __future__ import annotations

import argparse
import logging
import os
import shlex
import signal
import sys
import threading
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from pathlib import Path
from types import FrameType

from device.broker import EmbeddedBroker
from device.config import Config, ConfigError, configure_parser, load_config
from device.daemon import Daemon
from device.names import unknown_name
from device.offer import Offer, VoiceLike
from device.queue import Limits
from device.session import Session
from device.sinks import choose_sink
from edge_tts.errors import EdgeTTSError, SpeakerNotFoundError

__all__ = ["serve"]

log = logging.getLogger(__name__)

LoadVoice = Callable[[str], VoiceLike]


def serve(argv: Sequence[str] | None = None, load_voice: LoadVoice | None = None) -> int:
    """Run until SIGINT or SIGTERM. Returns the exit code: 0, 1 (can't go on) or 2 (wrong configuration)."""
    parser = argparse.ArgumentParser(prog="edgettsd", description="Speaks what it is told over MQTT.")
    configure_parser(parser)
    try:
        config = load_config(parser.parse_args(argv), os.environ)
        logging.basicConfig(level=config.log_level.upper(), format="%(message)s", stream=sys.stderr)
        return _run(config, load_voice or (lambda name: _load_voice(name, config.engine, config.threads)))
    except ConfigError as error:
        sys.stderr.write(f"edgettsd: {error}\n")
        return 2
    except EdgeTTSError as error:
        sys.stderr.write(f"edgettsd: {error}\n")
        return 1


def _load_voice(name: str, engine: str, threads: int) -> VoiceLike:
    from edge_tts import Voice

    voice: VoiceLike = Voice.load(name, engine=engine, threads=threads)
    return voice


def _run(config: Config, load_voice: LoadVoice) -> int:
    access = config.broker_access()
    over = threading.Event()
    crashed = threading.Event()
    _end_on_signals(over)
    _end_on_crash(over, crashed)
    with ExitStack() as stack:
        if config.embedded_broker:
            broker = EmbeddedBroker(config.port)
            broker.start()
            stack.callback(broker.stop)
        voice = load_voice(config.voice)
        offer = _offer(voice, config)
        sink = choose_sink(config.output, Path(config.wav_folder), config.sound_device or None)
        greeting = iter([config.greeting] if config.greeting else [])

        def welcome() -> None:
            for text in greeting:  # only once, however often the broker comes back
                daemon.say(text)
            _log_how_to_speak(config)

        session = Session(
            access,
            config.topics,
            f"edgettsd-{config.name}",
            on_say=lambda payload, retained: daemon.on_say(payload, retained),
            on_stop=lambda payload, retained: daemon.on_stop(payload, retained),
            state=lambda: daemon.phase,
            on_online=welcome,
        )
        daemon = Daemon(
            voice,
            sink,
            offer,
            publish_event=session.publish_event,
            publish_state=session.publish_state,
            limits=Limits(waiting=config.queue_size),
            max_payload_bytes=config.max_payload_bytes,
        )
        daemon.start(warm_up=True)
        session.start()
        stack.callback(session.stop)
        stack.callback(daemon.close)
        over.wait()
        log.info("stopping")
    return 1 if crashed.is_set() else 0


def _offer(voice: VoiceLike, config: Config) -> Offer:
    speakers = {name: speaker.language for name, speaker in voice.speakers.items()}
    default = config.speaker or voice.default_speaker
    if default not in speakers:
        raise SpeakerNotFoundError(unknown_name("speaker", default, speakers))
    return Offer(voice.name, speakers, default, config.volume, config.speed, config.max_seconds)


def _end_on_signals(over: threading.Event) -> None:
    def leave(_number: int, _frame: FrameType | None) -> None:
        over.set()

    signal.signal(signal.SIGINT, leave)
    signal.signal(signal.SIGTERM, leave)


def _end_on_crash(over: threading.Event, crashed: threading.Event) -> None:
    """A thread that died of a bug leaves a daemon that only looks alive: end, so that a supervisor restarts it."""
    report = threading.excepthook

    def leave(arguments: threading.ExceptHookArgs) -> None:
        report(arguments)
        crashed.set()
        over.set()

    threading.excepthook = leave


def _log_how_to_speak(config: Config) -> None:
    program = Path(sys.argv[0]).with_name("edgetts")
    edgetts = str(program) if program.exists() else "edgetts"
    place = [("--host", config.broker, "127.0.0.1"), ("--port", str(config.port), "1883")]
    where = [part for option, value, usual in place if value != usual for part in (option, value)]
    root = ["--root", config.topics.root] if config.root or config.device_id else []
    log.info("to make it speak: %s", shlex.join([edgetts, "send", "It works.", *where, *root]))
    publish = ["mosquitto_pub", "-h", config.broker, "-p", str(config.port), "-t", config.topics.say, "-m", "It works."]
    log.info("              or: %s", shlex.join(publish))
