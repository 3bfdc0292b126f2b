"""Sign-up, sign-in, confirmation and passwords.

What a stranger can see never tells whether an e-mail address has an account.
"""

import hashlib
import re
import secrets
from datetime import datetime, timedelta
from functools import cache
from zoneinfo import available_timezones

from email_validator import EmailNotValidError, validate_email
from redis import Redis

from services.accounts.links import Links
from services.accounts.passwords import Passwords
from services.accounts.profiles import Profile, Profiles
from services.errors import AlreadyExists, AuthenticationFailed, InvalidInput
from services.ids import new_id
from services.jobs import AccountMail, Jobs
from services.store.users import ApiToken, User, Users, normal_email
from services.texts import DEFAULT, N_, language
from services.texts import gettext as _

TOKEN_PREFIX = "bw"  # noqa: S105 - the visible head of every API token, not a secret
TOKEN_KEPT = timedelta(minutes=10)
_TOKEN = re.compile(TOKEN_PREFIX + r"\.([0-9A-Z]{26})\.([\w-]{43})", re.ASCII)
_NO_FIT = N_("E-mail and password do not fit together.")


class Accounts:
    """Every method may raise redis.RedisError and StoreError."""

    def __init__(
        self,
        users: Users,
        profiles: Profiles,
        redis: Redis,
        jobs: Jobs,
        links: Links,
        passwords: Passwords,
    ) -> None:
        self._users = users
        self._redis = redis
        self._jobs = jobs
        self._links = links
        self._passwords = passwords
        self._profiles = profiles

    def sign_up(self, email: str, password: str, now: datetime, time_zone: str = "UTC") -> None:
        """Create an account and mail its confirmation; a known address gets another mail. Mails
        come in the language that is spoken now.

        Raises InvalidInput for an address or password that cannot be used.
        """
        user = self._draft(email, password, now, time_zone)
        try:
            self._users.create(user)
            self._jobs.send_account_mail("confirm", user.uid)
        except AlreadyExists:
            self._mail("known", user.email)

    def create_confirmed(self, email: str, password: str, now: datetime) -> str:
        """Create an account whose address counts as confirmed; for the operator and the demo.

        Returns the uid, also of an account that exists. Raises InvalidInput.
        """
        user = self._draft(email, password, now, "UTC").replace(confirmed_at=now)
        try:
            self._users.create(user)
        except AlreadyExists:
            existing = self._users.by_email(email)
            return existing.uid if existing else user.uid
        return user.uid

    def sign_in(self, email: str, password: str) -> Profile:
        """Raises AuthenticationFailed."""
        user = self._users.by_email(email)
        if not self._passwords.fits(password, user.password_hash if user else None) or not user:
            raise AuthenticationFailed(_(_NO_FIT), user.uid if user else None)
        if self._passwords.outdated(user.password_hash):
            user = self._users.update(user.uid, password_hash=self._passwords.hash(password))
        return self._profiles.renew(user)

    def profile(self, uid: str, auth_epoch: int) -> Profile | None:
        """Whose session this is; None when it was ended by a new password."""
        profile = self._profiles.get(uid)
        return profile if profile and profile.auth_epoch == auth_epoch else None

    # Tokens of the API

    def create_token(self, email: str, password: str, now: datetime) -> str:
        """A bearer token, shown this once. Raises AuthenticationFailed."""
        profile = self.sign_in(email, password)
        secret = secrets.token_urlsafe(32)
        self._users.create_token(
            ApiToken(
                uid=profile.uid,
                id=_digest(secret),
                created_at=now,
                auth_epoch=profile.auth_epoch,
            )
        )
        return f"{TOKEN_PREFIX}.{profile.uid}.{secret}"

    def by_token(self, text: str) -> Profile:
        """Whose token this is. Raises AuthenticationFailed."""
        token = _TOKEN.fullmatch(text)
        if token is None:
            raise AuthenticationFailed(_("This is not a token of Bellwether."))
        uid, secret = token.groups()
        profile = self.profile(uid, self._token_epoch(uid, _digest(secret)))
        if profile is None:
            raise AuthenticationFailed(_("This token is not, or no longer, valid."))
        return profile

    def by_known_token(self, text: str) -> Profile | None:
        """Whose token this is, where Redis knows; the store is not asked."""
        token = _TOKEN.fullmatch(text)
        if token is None:
            return None
        uid, secret = token.groups()
        epoch = self._redis.get(_token_key(uid, _digest(secret)))
        profile = self._profiles.cached([uid]).get(uid) if epoch is not None else None
        return profile if profile and profile.auth_epoch == int(epoch or 0) else None

    def _token_epoch(self, uid: str, token_id: str) -> int:
        key = _token_key(uid, token_id)
        cached = self._redis.get(key)
        if cached is not None:
            return int(cached)
        token = self._users.get_token(uid, token_id)
        if token is None:
            return 0
        self._redis.set(key, token.auth_epoch, ex=TOKEN_KEPT)
        return token.auth_epoch

    # Links in mails

    def confirm(self, token: str, now: datetime) -> User:
        """Note that the address is its owner's. Raises AuthenticationFailed."""
        user = self._owner(self._links.owner("confirm", token, now))
        self._links.check("confirm", token, user)
        refused_at = user.mail_refused_at
        if refused_at is not None and self._links.made_at("confirm", token) < refused_at:
            raise AuthenticationFailed(
                _("This link is older than the day on which your mailbox was refused.")
            )
        return self._confirm(user, now)

    def _confirm(self, user: User, now: datetime) -> User:
        if user.confirmed_at is None or user.mail_refused_at is not None:
            user = self._users.update(user.uid, confirmed_at=now, mail_refused_at=None)
            self._profiles.renew(user)
        self._jobs.release_held(user.uid)
        return user

    # Stopping mail

    def may_stop_mail(self, token: str, now: datetime) -> User:
        """Whose mail a signed link stops. Raises AuthenticationFailed."""
        return self._owner(self._links.stopped(token, now))

    def stop_mail(self, token: str, now: datetime) -> User:
        """Send no mails but those about the account; the second time does nothing. Raises
        AuthenticationFailed."""
        user = self.may_stop_mail(token, now)
        if user.mail_stopped_at is None:
            user = self._users.update(user.uid, mail_stopped_at=now)
        self._profiles.renew(user)
        return user

    def start_mail(self, uid: str) -> Profile:
        """Send mails again from now on."""
        return self._profiles.renew(self._users.update(uid, mail_stopped_at=None))

    # More mails about the account

    def ask_for_confirmation(self, uid: str) -> None:
        """Mail the confirmation link again."""
        self._jobs.send_account_mail("confirm", uid)

    def ask_for_reset(self, email: str) -> None:
        """Mail a link to set a new password, if the address has an account."""
        self._mail("reset", email)

    def check_reset(self, token: str, now: datetime) -> User:
        """Whose reset link this is. Raises AuthenticationFailed."""
        user = self._owner(self._links.owner("reset", token, now))
        self._links.check("reset", token, user)
        return user

    def reset(self, token: str, password: str, now: datetime) -> Profile:
        """Set a new password; all sessions and tokens end. The link came by mail, so it confirms
        the address, too. Raises AuthenticationFailed or InvalidInput."""
        user = self.check_reset(token, now)
        return Profile.of(self._confirm(self._set_password(user, password), now))

    def change_password(self, uid: str, present: str, new: str) -> Profile:
        """Set a new password; all other sessions and tokens end. Raises InvalidInput."""
        user = self._owner(uid)
        if not self._passwords.fits(present, user.password_hash):
            raise InvalidInput("present", _("This is not your present password."))
        return Profile.of(self._set_password(user, new))

    def sign_out_everywhere(self, uid: str) -> None:
        """End all sessions and tokens, those of the asker too. Raises NotFound."""
        self._profiles.renew(
            self._users.change(uid, lambda user: user.replace(auth_epoch=user.auth_epoch + 1))
        )

    def _set_password(self, user: User, password: str) -> User:
        """And tell its owner by mail, for it may have been somebody else."""
        user = self._users.end_access(user.uid, self._passwords.hash(password))
        self._profiles.renew(user)
        self._jobs.send_account_mail("changed", user.uid)
        return user

    def _draft(self, email: str, password: str, now: datetime, time_zone: str) -> User:
        zone = time_zone if time_zone in known_time_zones() else "UTC"
        return User(
            uid=new_id(now),
            email=checked_email(email),
            password_hash=self._passwords.hash(password),
            created_at=now,
            time_zone=zone,
            language=None if language() == DEFAULT else language(),
        )

    def _owner(self, uid: str) -> User:
        user = self._users.get(uid)
        if user is None:
            raise AuthenticationFailed(_("This account does not exist any more."))
        return user

    def _mail(self, kind: AccountMail, email: str) -> None:
        user = self._users.by_email(email)
        if user is not None:
            self._jobs.send_account_mail(kind, user.uid)


@cache
def known_time_zones() -> frozenset[str]:
    """The names of all IANA zones; finding them reads hundreds of files, hence once."""
    return frozenset(available_timezones())


def checked_email(email: str) -> str:
    """The address in its normal spelling. Raises InvalidInput when it cannot be one."""
    try:
        found = validate_email(
            email.strip(), check_deliverability=False, test_environment=True
        ).normalized
    except EmailNotValidError as error:
        raise InvalidInput(
            "email", _("This is not an e-mail address: %(reason)s", reason=error)
        ) from None
    return normal_email(found)


def _token_key(uid: str, token_id: str) -> str:
    return f"token:{uid}:{token_id}"


def _digest(secret: str) -> str:
    return hashlib.sha256(secret.encode()).hexdigest()
