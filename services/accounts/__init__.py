"""Who people are: sign-up, sign-in, passwords, tokens and signed links."""

from services.accounts.accounts import Accounts
from services.accounts.profiles import Profile

__all__ = ["Accounts", "Profile"]
