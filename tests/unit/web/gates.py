"""Gates for pages of which the test is not about who asks."""

from digikoppelaar.web.access import NoLogin


async def a_sandbox() -> bool:
    """There is no aansluiting to a real omgeving."""
    return False


OPEN = NoLogin(a_sandbox, "token of the process")
