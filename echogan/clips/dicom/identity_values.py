"""What in a DICOM header may identify the patient, to tell whether a text, such as a file's name, holds any of it."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import permutations, product
from pathlib import Path

from pydicom.datadict import keyword_for_tag
from pydicom.dataelem import DataElement
from pydicom.dataset import Dataset

from echogan.clips.dicom.bounded import read_elements
from echogan.clips.dicom.header import DicomSource, reading

LARGEST_VALUE = "64 KB"  # longer ones are images, waveforms and the like
LONGEST_PRIVATE = 64  # characters of a private text; longer ones describe the format or the machine
SHORTEST, SHORTEST_NUMBER = 3, 5  # characters of a part of text, digits of a part of a UID
TEXT = "AE LO LT PN SH ST UC UR UT"
# Text about the machine and the image, and names of classes of objects, which say nothing of the patient.
TECHNICAL = """
    Manufacturer ManufacturerModelName SoftwareVersions SpecificCharacterSet TransducerData ProcessingFunction
    DerivationDescription CodeMeaning CodeValue CodingSchemeDesignator CodingSchemeVersion ImplementationVersionName
    LossyImageCompressionMethod
"""
# Words of descriptions and of institutions that the names of files and of machines have too.
COMMON = """
    echo echocardiogram echocardiography tte tee stress adult cardiac heart cardiology ultrasound apical chamber view
    clip cine image video frame loop exam examination study series
    medical systems healthcare imaging technologies general
"""
PLACEHOLDERS = "anonymous anonymized anonymised deidentified unknown none patient removed"
MONTHS = "jan feb mar apr may jun jul aug sep oct nov dec"
SPELLED_OUT = str.maketrans({"ä": "ae", "ö": "oe", "ü": "ue", "ß": "ss", "ø": "oe", "å": "aa", "æ": "ae"})


@dataclass(frozen=True)
class IdentityValues:
    """Parts of a header's values, folded: lower case, without accents.

    parts     words and numbers of names, identifiers and free text
    names     whole names and identifiers, letters and digits only; a piece of one identifies too
    numbers   UIDs, digits only
    dates     their digits in every order that is in use
    named     whether the header names a patient
    """

    parts: frozenset[str]
    names: frozenset[str]
    numbers: frozenset[str]
    dates: frozenset[str]
    named: bool

    def within(self, text: str) -> bool:
        """Whether the text holds a part of these values, or is itself a piece of a name, identifier or UID."""
        for form in _forms(text):
            squeezed, digits = _squeezed(form), _digits(form)
            if any(part in squeezed for part in self.parts | self.names | self.numbers):
                return True
            if any(date in digits for date in self.dates):
                return True
            for word in _parts(form) - set(COMMON.split()):
                if any(word in name for name in self.names):
                    return True
                long = word.isdigit() and len(word) >= SHORTEST_NUMBER
                if long and any(word in number for number in self.numbers):
                    return True
        return False


def identity_values(path: Path, free_text: bool = True) -> IdentityValues:
    """Read a DICOM file's whole header, private and nested tags too, for the values that may identify the patient.

    free_text   whether free text about the examination and the station, and private text, counts
    Raises UnreadableClip.
    """
    parts: set[str] = set()
    names: set[str] = set()
    numbers: set[str] = set()
    dates: set[str] = set()
    named = False
    with reading():
        source = DicomSource.of(path)
        with source.open() as file:
            header = read_elements(file, stop_before_pixels=True, defer_size=LARGEST_VALUE)
            elements = [*_elements(header)]
    for keyword, vr, value in elements:
        if vr in ("DA", "DT"):
            dates |= _date_forms(value)
        elif vr == "UI":
            numbers.add(_squeezed(value))
            numbers |= {part for part in value.split(".") if len(part) >= SHORTEST_NUMBER}
        elif vr == "PN" or keyword.endswith(("ID", "IDs", "Number")) or keyword == "InstitutionName":
            found = {form for form in _forms(value) if _squeezed(form) not in PLACEHOLDERS.split()}
            named |= bool(found) and keyword in ("PatientName", "PatientID")
            names |= {_squeezed(form) for form in found} | {o for form in found for o in _orders(form)}
            common = COMMON if keyword == "InstitutionName" else ""
            parts |= {part for form in found for part in _parts(form)} - {
                *PLACEHOLDERS.split(),
                *common.split(),
            }
        elif free_text and (keyword or len(value) <= LONGEST_PRIVATE):
            words = {part for form in _forms(value) for part in _parts(form)}
            words -= {*COMMON.split(), *PLACEHOLDERS.split()}
            parts |= {word for word in words if not word.isdigit() or len(word) > SHORTEST}
    names = {name for name in names if _is_part(name)}
    return IdentityValues(frozenset(parts), frozenset(names), frozenset(numbers), frozenset(dates), named)


def _elements(header: Dataset) -> Iterator[tuple[str, str, str]]:
    """(keyword, VR, value) of each value of text, date or UID; sequences included, what cannot be read left out."""
    for tag in [*header.keys()]:
        if getattr(header.get_item(tag, keep_deferred=True), "value", None) is None:
            continue
        try:
            element: DataElement = header[tag]
        except Exception:  # a damaged value; nobody else can read it either
            continue
        keyword = keyword_for_tag(tag)
        if element.VR == "SQ":
            for item in element.value or ():
                yield from _elements(item)
        elif element.VR == "UN" and isinstance(element.value, bytes):
            text = element.value.decode("latin-1").replace("\0", "")
            yield keyword, "LO", text if text.isprintable() else ""
        elif element.VR in (*TEXT.split(), "DA", "DT", "UI") and _tells(keyword):
            values = [element.value] if element.VM <= 1 else element.value
            yield from ((keyword, element.VR, str(value)) for value in values if value)


def _tells(keyword: str) -> bool:
    return keyword not in TECHNICAL.split() and not keyword.endswith(("ClassUID", "SyntaxUID"))


def _forms(text: str) -> set[str]:
    """The text in lower case: composed, without accents, and with umlauts spelled out."""
    small = unicodedata.normalize("NFKC", text).casefold()
    bare = "".join(c for c in unicodedata.normalize("NFKD", small) if not unicodedata.combining(c))
    return {small, bare, unicodedata.normalize("NFC", text).lower().translate(SPELLED_OUT)}


def _parts(text: str) -> set[str]:
    """Its words and numbers, and the letters and the digits of those that mix them, if they are long enough."""
    words = re.findall(r"[^\W_]+", text)
    pieces = [piece for word in words for piece in re.findall(r"\d+|[^\W\d_]+", word)]
    return {part for part in (*words, *pieces) if _is_part(part)}


def _is_part(text: str) -> bool:
    """Long enough to tell something: one ideograph or kana, else three characters."""
    return len(text) >= SHORTEST or any(ord(character) > 0x2E80 for character in text)


def _squeezed(text: str) -> str:
    return re.sub(r"[\W_]+", "", text)


def _orders(name: str) -> set[str]:
    """The words of a short name, written together in every order."""
    words = re.findall(r"[^\W_]+", name)[:4]
    return {"".join(order) for size in (2, 3) for order in permutations(words, size)}


def _digits(text: str) -> str:
    """The digits of a text whose names of months are numbers."""
    for number, month in enumerate(MONTHS.split(), start=1):
        text = re.sub(rf"{month}[a-z]*", f"{number:02d}", text)
    return re.sub(r"\D", "", text)


def _date_forms(value: str) -> set[str]:
    """A date YYYYMMDD as people write it, digits only: the year, day and month, and all three in every order."""
    found = re.match(r"(\d{4})\D?(\d{2})\D?(\d{2})", value)
    if found is None:
        return set()
    year, month, day = found.groups()
    forms: set[str] = set()
    for parts in product((year, year[2:]), {month, str(int(month))}, {day, str(int(day))}):
        forms |= {"".join(order) for order in permutations(parts)}
    return {form for form in forms if len(form) >= 5} | {year, month + day, day + month}
