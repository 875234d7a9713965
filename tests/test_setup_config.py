import os
from pathlib import Path

import pytest

from linkstar import config

STRONG = "x9-Qf2_mLp7Rz0aVtB4cKd8sWn1yHjEu"
PRODUCTION = {
    "LINKSTAR_MODE": "production",
    "PUBLIC_URL": "https://linkstar.example.com",
    "SECRET_KEY": STRONG,
}

OPEN_ID = {
    "OIDC_ISSUER": "https://sso.example.com/realms/shanlan",
    "OIDC_CLIENT_ID": "linkstar",
    "OIDC_CLIENT_SECRET": "between us two",
    "OIDC_NAME": "飞书",
}


@pytest.fixture
def data(tmp_path: Path) -> dict[str, str]:
    return {"LINKSTAR_DATA": str(tmp_path / "data")}


def test_an_empty_environment_starts_from_a_private_data_folder(data: dict[str, str]) -> None:
    settings = config.load(data)
    folder = Path(data["LINKSTAR_DATA"])
    assert settings["SQLALCHEMY_DATABASE_URI"] == f"sqlite:///{folder / 'linkstar.db'}"
    assert settings["MAIL_URL"] == f"file://{folder / 'mail'}"
    assert settings["STORAGE_URL"] == f"file://{folder / 'files'}"
    assert folder.stat().st_mode & 0o777 == 0o700
    assert (folder / "files").stat().st_mode & 0o777 == 0o700
    for file in ("linkstar.db", "secret_key"):
        assert (folder / file).stat().st_mode & 0o777 == 0o600


def test_the_secret_is_made_once(data: dict[str, str]) -> None:
    first = config.load(data)["SECRET_KEY"]
    assert len(first) > 40
    assert config.load(data)["SECRET_KEY"] == first


@pytest.mark.parametrize(
    ("variable", "value"),
    [
        ("PORT", "eighty"),
        ("PORT", "0"),
        ("PORT", "65536"),
        ("TRUSTED_PROXIES", "-1"),
        ("LINKSTAR_MODE", "staging"),
        ("LINKSTAR_DATA", "/dev/null/data"),
        ("DATABASE_URL", "not a database"),
        ("DATABASE_URL", "mysql://localhost/linkstar"),
        ("DATABASE_URL", "sqlite:////nowhere/at/all.db"),
        ("REDIS_URL", "http://localhost"),
        ("STORAGE_URL", "ftp://bucket/files"),
        ("STORAGE_URL", "s3:///files"),
        ("STORAGE_URL", "s3://Bucket_1/files"),
        ("STORAGE_URL", "s3://AKIA1:secret@bucket/files"),
        ("STORAGE_URL", "s3://bucket:9000/files"),
        ("STORAGE_URL", "s3://bucket/files?secret=x"),
        ("STORAGE_URL", "s3://bucket/files?region="),
        ("STORAGE_URL", "s3://bucket/files?region=a&region=b"),
        ("STORAGE_URL", "s3://bucket/files?endpoint=minio:9000"),
        ("STORAGE_URL", "s3://bucket/files?endpoint=https://AKIA1:secret@minio"),
        ("STORAGE_URL", "s3://bucket/files#part"),
        ("STORAGE_QUOTA", "20"),
        ("STORAGE_QUOTA", "0GB"),
        ("STORAGE_QUOTA", "-1GB"),
        ("STORAGE_QUOTA", "20 gibibytes"),
        ("STORAGE_URL", "file://files/here"),
        ("STORAGE_URL", "file:///dev/null/files"),
        ("MAIL_URL", "smtp://"),
        ("MAIL_URL", "mailto:me"),
        ("PUBLIC_URL", "linkstar.example.com"),
        ("PUBLIC_URL", "https://linkstar.example.com/team"),
        ("PUBLIC_URL", "https://[::1"),
    ],
)
def test_a_wrong_value_stops_and_names_its_variable(data: dict[str, str], variable: str, value: str) -> None:
    with pytest.raises(SystemExit, match=variable):
        config.load(data | {variable: value})


def test_a_bucket_and_a_quota_are_understood_and_a_secret_is_not_repeated(data: dict[str, str]) -> None:
    url = "s3://linkstar-files/上传/here?region=cn-north-1&endpoint=https://s3.cn-north-1.amazonaws.com.cn"
    assert config.load(data | {"STORAGE_URL": url})["STORAGE_URL"] == url
    assert config.load(data | {"STORAGE_URL": "s3://linkstar-files"})["STORAGE_URL"] == "s3://linkstar-files"
    with pytest.raises(SystemExit, match="credentials") as refusal:
        config.load(data | {"STORAGE_URL": "s3://AKIA1:secret@linkstar-files"})
    assert "secret" not in str(refusal.value)
    quotas = {quota: config.load(data | {"STORAGE_QUOTA": quota})["STORAGE_QUOTA"] for quota in ("", "500MB", "2 TB")}
    assert quotas == {"": 20_000_000_000, "500MB": 500_000_000, "2 TB": 2_000_000_000_000}


@pytest.mark.parametrize("missing", OPEN_ID)
def test_another_house_is_named_whole_or_not_at_all(data: dict[str, str], missing: str) -> None:
    assert config.load(data)["OIDC_ISSUER"] == ""
    assert OPEN_ID.items() <= config.load(data | PRODUCTION | OPEN_ID).items()
    with pytest.raises(SystemExit, match=rf"^{missing} "):
        config.load(data | OPEN_ID | {missing: " "})


@pytest.mark.parametrize(
    "issuer", ["sso.example.com", "ftp://sso.example.com", "https://", "https://sso.example.com/?a=b"]
)
def test_another_house_is_named_by_its_issuer(data: dict[str, str], issuer: str) -> None:
    with pytest.raises(SystemExit, match=r"^OIDC_ISSUER"):
        config.load(data | OPEN_ID | {"OIDC_ISSUER": issuer})


@pytest.mark.parametrize(
    ("change", "variable"),
    [
        ({"SECRET_KEY": ""}, "SECRET_KEY"),
        ({"SECRET_KEY": "change-me"}, "SECRET_KEY"),
        ({"SECRET_KEY": "a" * 40}, "SECRET_KEY"),
        ({"PUBLIC_URL": ""}, "PUBLIC_URL"),
        (OPEN_ID | {"OIDC_ISSUER": "http://sso.example.com"}, "OIDC_ISSUER"),
        ({"FLASK_DEBUG": "1"}, "FLASK_DEBUG"),
    ],
)
def test_production_refuses_what_is_unsafe(data: dict[str, str], change: dict[str, str], variable: str) -> None:
    with pytest.raises(SystemExit, match=variable):
        config.load(data | PRODUCTION | change)


@pytest.mark.parametrize(
    ("file", "variable"), [(".", "LINKSTAR_DATA"), ("linkstar.db", "DATABASE_URL"), ("files", "STORAGE_URL")]
)
def test_production_refuses_what_everyone_may_read(data: dict[str, str], file: str, variable: str) -> None:
    config.load(data | PRODUCTION)
    (Path(data["LINKSTAR_DATA"]) / file).chmod(0o755)
    with pytest.raises(SystemExit, match=variable):
        config.load(data | PRODUCTION)


def test_the_cookie_is_bound_to_https_where_there_is_https(data: dict[str, str]) -> None:
    settings = config.load(data | PRODUCTION)
    assert (settings["SESSION_COOKIE_NAME"], settings["SESSION_COOKIE_SECURE"]) == ("__Host-linkstar", True)
    settings = config.load(data)
    assert (settings["SESSION_COOKIE_NAME"], settings["SESSION_COOKIE_SECURE"]) == ("linkstar", False)


@pytest.mark.parametrize("scheme", ["postgres", "postgresql", "postgresql+psycopg"])
def test_every_spelling_of_postgresql_is_understood(data: dict[str, str], scheme: str) -> None:
    settings = config.load(data | {"DATABASE_URL": f"{scheme}://lin:p%40ss@db/linkstar"})
    assert settings["SQLALCHEMY_DATABASE_URI"] == "postgresql+psycopg://lin:p%40ss@db/linkstar"


def test_a_deep_data_folder_gets_a_short_private_socket(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tempfile.tempdir", "/tmp")
    deep = tmp_path / ("deep" * 25)
    socket = Path(config.load({"LINKSTAR_DATA": str(deep)})["REDIS_URL"].removeprefix("unix://"))
    assert len(os.fsencode(socket)) < 104
    assert socket.parent.stat().st_mode & 0o777 == 0o700
    socket.parent.chmod(0o777)
    with pytest.raises(SystemExit, match="LINKSTAR_DATA"):
        config.load({"LINKSTAR_DATA": str(deep)})
    socket.parent.rmdir()


def test_tests_may_override_anything(data: dict[str, str]) -> None:
    assert config.load(data, PORT=1, TESTING=True)["PORT"] == 1
