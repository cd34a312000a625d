"""Kennisgevingen and how KOOP takes and publishes them. Pure: bytes and values in, bytes and values out.

model         a kennisgeving as values, without a name of KOOP's
inhoud        its text as inhoud.xml, in a zip
profile       how KOOP spells all this, as data
envelope      the SOAP message around it, and its answer, after that profile; with soap
receiving     the other side of that: a request read, its answer written; with schema (XML Schema and WSDL)
publication   what KOOP publishes of it, as XML, written and read; with blocks (its text)
metadata      the two metadata records beside it; with markers (its locations)
bladen        what bladen, bodies and documenttypen are called in these
sru           the search in which it is found when it is published; with cql (its language)
found         which publication it is, and in what it differs from what was sent
sru_answer    the search from the other side, for the sandbox
bopa          the area of a permit that departs from the plan, as a GML file
texts         a title and text from templates, which lie in `templates/`; `variables` are the names they can use
opmaak        the form in which people write a text; `preview` shows it as its reader will see it
terms         days and terms as the law counts them; `dates` writes and finds them in a text
checks        what is to be said before it is sent, by the rules in `findings`; with checks_parts, checks_terms and
              checks_places (`area`), and personal_data, which finds what looks like it
"""
