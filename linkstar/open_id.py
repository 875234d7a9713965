"""Sign-in by a house that speaks OpenID Connect: the code flow with PKCE, state and nonce."""

import time
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

PATIENCE = 3.0  # seconds for each of at most three requests
KEPT = 3600.0  # seconds that its own description of the other house is believed
ALGORITHMS = ["RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512"]  # none with our secret


class OpenIdFailed(Exception):
    """The other house did not answer, or not as it has to. What it says is for the log."""


@dataclass(frozen=True)
class Visitor:
    """Whom the other house vouches for; the address only where it says that it has been proved."""

    subject: str
    email: str | None


class OpenId:
    def __init__(self, issuer: str, client_id: str, client_secret: str) -> None:
        self.issuer, self.client_id, self.client_secret = issuer, client_id, client_secret
        self._described: tuple[float, dict[str, Any]] = (0.0, {})

    def begin(self, redirect_uri: str) -> tuple[str, dict[str, str]]:
        """The address to send the person to, and what has to be remembered until the person is sent back."""
        from authlib.common.security import generate_token

        memory = {name: generate_token(48) for name in ("state", "nonce", "code_verifier")}
        with self._client(redirect_uri) as client:
            address, _state = client.create_authorization_url(self._place("authorization_endpoint"), **memory)
        return address, memory

    def visitor(self, code: str, memory: dict[str, str], redirect_uri: str) -> Visitor:
        """Who was sent back with this code, as the signed answer to the question of `memory` says."""
        from authlib.integrations.base_client import OAuthError
        from joserfc.errors import JoseError
        from requests import RequestException

        try:
            with self._client(redirect_uri) as client:
                answer = client.fetch_token(
                    self._place("token_endpoint"), grant_type="authorization_code", code=code,
                    code_verifier=memory["code_verifier"], allow_redirects=False,
                )  # fmt: skip
            claims = self._read(answer["id_token"], answer.get("access_token"), memory["nonce"])
        except (RequestException, OAuthError, JoseError, ValueError, TypeError, KeyError, AttributeError) as error:
            raise OpenIdFailed(repr(error)) from error
        proved = claims.get("email_verified") is True and isinstance(claims.get("email"), str)
        return Visitor(claims["sub"], claims["email"] if proved else None)

    def _read(self, id_token: str, access_token: str | None, nonce: str) -> dict[str, Any]:
        from authlib.oidc.core import CodeIDToken
        from joserfc import jwt
        from joserfc.jwk import KeySet
        from joserfc.jws import JWSRegistry

        keys = KeySet.import_key_set(self._fetch(self._place("jwks_uri")))  # type: ignore[arg-type]
        token = jwt.decode(id_token, keys, registry=JWSRegistry(algorithms=ALGORITHMS, strict_check_header=False))
        claims = CodeIDToken(
            token.claims,
            token.header,
            {"iss": {"essential": True, "value": self.issuer}, "aud": {"essential": True, "value": self.client_id}},
            {"nonce": nonce, "client_id": self.client_id, "access_token": access_token},
        )
        claims.validate(leeway=60)
        if not isinstance(claims["sub"], str) or not 0 < len(claims["sub"]) < 256:
            raise ValueError("sub")
        return claims

    def _client(self, redirect_uri: str) -> Any:
        from authlib.integrations.requests_client import OAuth2Session

        return OAuth2Session(
            self.client_id, self.client_secret, scope="openid email profile", redirect_uri=redirect_uri,
            code_challenge_method="S256", token_endpoint_auth_method=self._method(), default_timeout=PATIENCE,
        )  # fmt: skip

    def _method(self) -> str:
        """How we show that we are we."""
        methods = self._description().get("token_endpoint_auth_methods_supported") or ["client_secret_basic"]
        return "client_secret_basic" if "client_secret_basic" in methods else "client_secret_post"

    def _place(self, name: str) -> str:
        place = str(self._description().get(name, ""))
        if urlsplit(place).scheme not in ("https", urlsplit(self.issuer).scheme):
            raise OpenIdFailed(f"{name} is {place!r}")
        return place

    def _description(self) -> dict[str, Any]:
        """Asked for when it is needed first: a house that is away must not keep us from starting."""
        read, description = self._described
        if not description or time.monotonic() - read > KEPT:
            description = self._fetch(f"{self.issuer.rstrip('/')}/.well-known/openid-configuration")
            if description.get("issuer") != self.issuer:
                raise OpenIdFailed(f"the issuer calls itself {description.get('issuer')!r}")
            self._described = time.monotonic(), description
        return description

    @staticmethod
    def _fetch(address: str) -> dict[str, Any]:
        import requests

        try:
            answer = requests.get(address, timeout=PATIENCE, allow_redirects=False)
            answer.raise_for_status()
            found = answer.json()
        except (requests.RequestException, ValueError) as error:
            raise OpenIdFailed(repr(error)) from error
        if not isinstance(found, dict):
            raise OpenIdFailed(f"{address} answers with no object")
        return found
