"""STAM documents for tests, built as text here: none of our own code writes them. Fictitious people only."""

NAMESPACE = "http://www.omgevingswet.nl/koppelvlak/stam-v4/verzoek"


def verzoek_xml(
    verzoeknummer: str = "2026060200019",
    volgnummer: str = "0",
    doel: str = "Initiëren",
    *,
    documents: dict[str, str] | None = None,
    extra: str = "",
) -> bytes:
    """A verzoekbericht of a fictitious municipality with one activity; `documents` maps documentId to bestandsnaam."""
    named = "".join(
        f"<vx:document><vx:documentId>{key}</vx:documentId><vx:bestandsnaam>{name}</vx:bestandsnaam></vx:document>"
        for key, name in (documents or {}).items()
    )
    return f"""<?xml version="1.0" encoding="UTF-8"?>
<vx:verzoek xmlns:vx="{NAMESPACE}" xmlns:imam="http://www.omgevingswet.nl/koppelvlak/stam-v4/IMAM">
  <vx:verzoeknummer>{verzoeknummer}</vx:verzoeknummer>
  <vx:volgnummer>{volgnummer}</vx:volgnummer>
  <vx:doel>{doel}</vx:doel>
  <vx:type>Aanvraag vergunning</vx:type>
  <vx:naam>Dakkapel aan de Veldweg</vx:naam>
  <vx:indienDatum>2026-06-02T10:45:01.933+02:00</vx:indienDatum>
  <vx:project><vx:naam>Dakkapel</vx:naam></vx:project>
  <vx:bevoegdGezag><vx:oin>00000099000000001000</vx:oin><vx:naam>Gemeente Voorbeeldstad</vx:naam></vx:bevoegdGezag>
  <vx:initiatiefnemer>
    <imam:natuurlijkPersoon>
      <imam:bsn>000000000</imam:bsn>
      <imam:voorletters>F.</imam:voorletters><imam:achternaam>Fictief</imam:achternaam>
      <imam:correspondentieAdres>
        <imam:binnenlandsAdres><imam:straatnaam>Veldweg</imam:straatnaam></imam:binnenlandsAdres>
      </imam:correspondentieAdres>
    </imam:natuurlijkPersoon>
  </vx:initiatiefnemer>
  <vx:projectlocaties>
    <vx:projectlocatie>
      <vx:coordinatenOpgegeven srsName="EPSG:28992"><vx:x>155000</vx:x><vx:y>463000</vx:y></vx:coordinatenOpgegeven>
    </vx:projectlocatie>
  </vx:projectlocaties>
  <vx:projectactiviteiten>
    <vx:projectactiviteit>
      <vx:activiteitnaam>Dakkapel plaatsen</vx:activiteitnaam>
      <vx:specificaties>
        <vx:specificatie><vx:vraagId>284856</vx:vraagId><vx:vraagtekst>Wat zijn de kosten?</vx:vraagtekst>
          <vx:antwoord>12.500,00</vx:antwoord></vx:specificatie>
        <vx:specificatie><vx:vraagtekst>Tekening</vx:vraagtekst>
          <vx:gevraagdeBijlage><vx:documentsoortDSO>Tekening</vx:documentsoortDSO>
            <vx:documenten>{named}</vx:documenten></vx:gevraagdeBijlage></vx:specificatie>
      </vx:specificaties>
    </vx:projectactiviteit>
  </vx:projectactiviteiten>
  {extra}
</vx:verzoek>""".encode()
