"""How two documents differ, element by element."""

from collections.abc import Iterator

from lxml import etree

from digikoppelaar import xml


def differences(ours: etree._Element, theirs: etree._Element, path: str = "") -> Iterator[str]:
    """Where two trees differ; layout, comments and the order of attributes do not count."""
    path = f"{path}/{xml.local_name(theirs)}"
    if ours.tag != theirs.tag:
        yield f"{path}: {ours.tag} for {theirs.tag}"
        return
    if dict(ours.attrib) != dict(theirs.attrib):
        yield f"{path}: {dict(ours.attrib)} for {dict(theirs.attrib)}"
    if laid_out(ours.text) != laid_out(theirs.text) or laid_out(ours.tail) != laid_out(theirs.tail):
        yield f"{path}: other text"
    mine = list(ours.iterchildren("*"))
    for their in theirs.iterchildren("*"):
        if mine and (mine[0].tag == their.tag or their.tag in {element.tag for element in mine}):
            yield from differences(mine.pop(0), their, path)
        else:
            yield f"{path}/{xml.local_name(their)}: missing"
    yield from (f"{path}/{xml.local_name(element)}: too many" for element in mine)


def laid_out(text: str | None) -> str:
    """Without white space that is only there to look well."""
    return "" if text is None or ("\n" in text and not text.strip()) else text
