"""Where settings come from, and what is said about bad ones."""

import argparse

import pytest

from device.config import Config, ConfigError, configure_parser, load_config


def load(*arguments, environment=None):
    parser = argparse.ArgumentParser()
    configure_parser(parser)
    return load_config(parser.parse_args(arguments), environment or {})


def test_defaults_work():
    config = load()
    assert (config.broker, config.port, config.voice, config.output) == ("127.0.0.1", 1883, "default", "auto")
    assert config.topics.root == f"edgetts/{config.name}"


def test_the_command_line_beats_the_environment_beats_the_file(tmp_path):
    file = tmp_path / "edgettsd.toml"
    file.write_text('broker = "file"\nport = 1\nvoice = "v"\nvolume = 1\n')
    config = load("--config", str(file), "--broker", "line", environment={"EDGETTS_PORT": "2", "EDGETTS_BROKER": "env"})
    assert (config.broker, config.port, config.voice, config.volume) == ("line", 2, "v", 1.0)


def test_an_empty_environment_variable_is_not_set():
    assert load(environment={"EDGETTS_PORT": ""}).port == 1883


@pytest.mark.parametrize(
    ("toml", "reason"),
    [
        ('brokr = "x"', "unknown key 'brokr': did you mean 'broker'?"),
        ("zzz = 1", "unknown key 'zzz': known: broker, ca_file,"),
        ('port = "1883"', "port is '1883', not a whole number"),
        ("port = true", "port is True, not a whole number"),
        ("port = 0", "port is 0, but must be between 1 and 65535"),
        ("volume = 2.0", "volume is 2.0, but must be between 0.0 and 1.0"),
        ("tls = 1", "tls is 1, not a true or false"),
        ("threads = 0", "threads is 0, but must be between 1 and 64"),
        ("threads = 1.5", "threads is 1.5, not a whole number"),
        ("max_seconds = -1", "max_seconds is -1.0, but must be between 0.0 and 1000000"),
        ("max_seconds = nan", "max_seconds is nan, but must be between 0.0 and 1000000"),
        ('root = "a/#"', "root is 'a/#', but must not contain +, # or control characters"),
        ('root = "/a"', "must not begin or end with /"),
        ('root = "$SYS/a"', "must not be empty or begin with $"),
        ('device_id = "a/b"', "device_id is 'a/b'"),
        ('log_level = "loud"', "unknown log_level 'loud'"),
        ('engine = "tensor"', "unknown engine 'tensor'"),
        ('broker = "a..b"', "broker is 'a..b', which is no host name"),
        ("port = ", "not TOML"),
    ],
)
def test_bad_files(tmp_path, toml, reason):
    file = tmp_path / "c.toml"
    file.write_text(toml)
    with pytest.raises(ConfigError) as caught:
        load("--config", str(file))
    assert reason in str(caught.value)
    assert "\n" not in str(caught.value)


def test_unreadable_files(tmp_path):
    with pytest.raises(ConfigError, match=r"can't read the config .*: No such file"):
        load("--config", str(tmp_path / "none.toml"))
    (tmp_path / "binary").write_bytes(b"\xff")
    with pytest.raises(ConfigError, match="not UTF-8"):
        load("--config", str(tmp_path / "binary"))
    with pytest.raises(ConfigError, match="can't read the password_file"):
        load("--password-file", str(tmp_path / "none")).broker_access()
    with pytest.raises(ConfigError, match=r"can't use the ca_file .*: No such file"):
        load("--ca-file", str(tmp_path / "none")).broker_access()


def test_a_certificate_that_is_none(tmp_path):
    (tmp_path / "ca.pem").write_text("not a certificate")
    with pytest.raises(ConfigError, match="can't use the ca_file"):
        load("--ca-file", str(tmp_path / "ca.pem")).broker_access()


def test_a_bad_port_in_the_environment():
    with pytest.raises(ConfigError, match="EDGETTS_PORT is 'many', not a port number"):
        load(environment={"EDGETTS_PORT": "many"})


def test_the_password_is_a_files_first_line(tmp_path):
    secret = tmp_path / "secret"
    secret.write_text("s3cret\n")
    access = load("--username", "me", "--password-file", str(secret), "--tls").broker_access()
    assert (access.username, access.password) == ("me", "s3cret")
    assert access.tls is not None


def test_the_host_name_is_made_fit_for_a_topic(monkeypatch):
    monkeypatch.setattr("socket.gethostname", lambda: "küche.#1/lan")
    assert Config().topics.root == "edgetts/k-che-1-lan"
    monkeypatch.setattr("socket.gethostname", lambda: "+")
    assert Config().topics.root == "edgetts/speaker"
