"""A Vi key without a secret behind it."""

from assetline.credentials import ViCredentials, ViKey


class AnyKey(ViKey):
    """Returns the same credentials at each use."""

    def value(self, *, fresh: bool = False) -> ViCredentials:
        del fresh
        return ViCredentials("dtvi_1", "org")
