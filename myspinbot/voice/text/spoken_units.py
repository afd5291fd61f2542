"""What English calls the units and currencies that a text writes as signs."""

from __future__ import annotations

import re


def _names(text: str) -> dict[str, str]:
    """Pairs "km>kilometer"; an underscore stands for a space."""
    return {s: name.replace("_", " ") for s, name in (pair.split(">") for pair in text.split())}


_UNITS = _names(
    "km>kilometer m>meter dm>decimeter cm>centimeter mm>millimeter µm>micrometer nm>nanometer "
    "kg>kilogram g>gram mg>milligram µg>microgram mcg>microgram "
    "s>second ms>millisecond µs>microsecond ns>nanosecond min>minute mins>minute sec>second "
    "secs>second h>hour hr>hour hrs>hour yr>year yrs>year "
    "L>liter l>liter dl>deciliter cl>centiliter ml>milliliter mL>milliliter µl>microliter "
    "W>watt mW>milliwatt kW>kilowatt MW>megawatt GW>gigawatt TW>terawatt "
    "Wh>watt_hour kWh>kilowatt_hour MWh>megawatt_hour GWh>gigawatt_hour TWh>terawatt_hour "
    "V>volt mV>millivolt kV>kilovolt mA>milliamp Ah>amp_hour mAh>milliamp_hour Ω>ohm kΩ>kiloohm "
    "Hz>hertz kHz>kilohertz MHz>megahertz GHz>gigahertz THz>terahertz dB>decibel dBA>decibel "
    "KB>kilobyte kB>kilobyte MB>megabyte GB>gigabyte TB>terabyte PB>petabyte "
    "KiB>kibibyte MiB>mebibyte GiB>gibibyte TiB>tebibyte Kb>kilobit Mb>megabit Gb>gigabit "
    "Kbit>kilobit Mbit>megabit Gbit>gigabit "
    "kbps>kilobit_per_second Kbps>kilobit_per_second Mbps>megabit_per_second "
    "Gbps>gigabit_per_second "
    "Pa>pascal hPa>hectopascal kPa>kilopascal MPa>megapascal kJ>kilojoule MJ>megajoule "
    "kcal>kilocalorie eV>electron_volt keV>kiloelectron_volt MeV>megaelectron_volt "
    "GeV>gigaelectron_volt "
    "TeV>teraelectron_volt Å>angstrom mol>mole mmol>millimole MP>megapixel px>pixel "
    "ft>foot in>inch yd>yard mi>mile oz>ounce lb>pound lbs>pound gal>gallon tsp>teaspoon "
    "tbsp>tablespoon sqft>square_foot sqm>square_meter ac>acre ha>hectare nmi>nautical_mile "
    "pts>point cd>candela lm>lumen "
    "hp>horsepower bhp>horsepower psi>P.S.I rpm>R.P.M fps>frame_per_second bpm>beat_per_minute "
    "mph>mile_per_hour kph>kilometer_per_hour kmh>kilometer_per_hour mpg>mile_per_gallon "
    "dpi>dot_per_inch ppi>pixel_per_inch ppm>part_per_million "
    "°>degree °C>degree_celsius ºC>degree_celsius ℃>degree_celsius "
    "°F>degree_fahrenheit ºF>degree_fahrenheit ℉>degree_fahrenheit ′>foot ″>inch ‰>per_mille"
)
_LOOSELY = {
    sign.lower(): name for sign, name in reversed(_UNITS.items()) if len(sign) > 1
} | _names("mb>megabyte kb>kilobyte gb>gigabyte tb>terabyte mbps>megabit_per_second")
"""Signs in the wrong case: 5KM, 60FPS. One letter has a meaning of its own in each case."""
_NOT_LOOSELY = "Ms MS IN In AC HA Ha Min MI Mi PA Sec CD Cd LM Pts"
_LETTER_UNITS = "mgshlLWVΩÅ°′″‰"
_SAME = ("hertz", "P.S.I", "R.P.M", "horsepower", "mille")
_POWERS = {"²": "square", "^2": "square", "2": "square", "³": "cubic", "^3": "cubic", "3": "cubic"}
_UNIT = re.compile(r"((?:[^\W\d_²³])+|[°º][CF]?|[′″‰℃℉])(?:(\^?[23]|[²³])(?![\w.]))?")
_PLAIN_POWER = ("km", "m", "cm", "mm", "ft", "in")
"""Which may be followed by a simple digit: m2."""
CURRENCIES = {
    "$": ("dollar", "cent"),
    "US$": ("US dollar", "cent"),
    "A$": ("Australian dollar", "cent"),
    "AU$": ("Australian dollar", "cent"),
    "C$": ("Canadian dollar", "cent"),
    "CA$": ("Canadian dollar", "cent"),
    "NZ$": ("New Zealand dollar", "cent"),
    "HK$": ("Hong Kong dollar", "cent"),
    "S$": ("Singapore dollar", "cent"),
    "R$": ("Brazilian real", ""),
    "€": ("euro", "cent"),
    "£": ("pound", "penny"),
    "¥": ("yen", ""),
    "₹": ("rupee", "paisa"),
    "₽": ("ruble", ""),
    "₩": ("won", ""),
    "₺": ("lira", ""),
    "₿": ("bitcoin", ""),
    "¢": ("cent", ""),
    "USD": ("US dollar", "cent"),
    "EUR": ("euro", "cent"),
    "GBP": ("British pound", "penny"),
    "JPY": ("Japanese yen", ""),
    "CHF": ("Swiss franc", ""),
    "CAD": ("Canadian dollar", "cent"),
    "AUD": ("Australian dollar", "cent"),
    "CNY": ("Chinese yuan", ""),
    "RMB": ("Chinese yuan", ""),
    "INR": ("Indian rupee", "paisa"),
    "SEK": ("Swedish krona", ""),
    "NOK": ("Norwegian krone", ""),
    "DKK": ("Danish krone", ""),
    "PLN": ("Polish zloty", ""),
    "BRL": ("Brazilian real", ""),
    "MXN": ("Mexican peso", ""),
}
"""Name of the whole and of its hundredth."""
_IRREGULAR = {
    "foot": "feet",
    "inch": "inches",
    "penny": "pence",
    "paisa": "paise",
    "Danish krone": "Danish kroner",
    "Norwegian krone": "Norwegian kroner",
    "Swedish krona": "Swedish kronor",
}
_UNCHANGED = ("yen", "yuan", "won", "lira", "zloty")


def unit(sign: str, one: bool = False) -> str:
    """The name of the unit `sign`, in the singular after `one`; "" for what is none.

    Knows powers and fractions of units: m², kg/m³, km/h.
    """
    head, *divisors = sign.split("/")
    named = [_single(head, "before"), *(_single(part, "after") for part in divisors)]
    if not all(named) or len(named) > 3:
        return ""
    return " per ".join([named[0] if one else plural(named[0]), *named[1:]])


def plural(name: str) -> str:
    """More than one of a unit or currency: only its own word changes."""
    if name in _IRREGULAR:
        return _IRREGULAR[name]
    if name.endswith(_SAME):
        return name
    head, per, rest = name.partition(" per ")
    if head.startswith("degree "):
        return head.replace("degree", "degrees") + per + rest
    first, space, last = head.rpartition(" ")
    if last in _UNCHANGED:
        return name
    return first + space + _IRREGULAR.get(last, last + "s") + per + rest


def _single(sign: str, power: str) -> str:
    match = _UNIT.fullmatch(sign.replace("μ", "µ"))
    if not match:
        return ""
    bare, exponent = match.groups()
    name = _UNITS.get(bare, "")
    if not name and bare not in _NOT_LOOSELY.split():
        name = _LOOSELY.get(bare.lower(), "")
    if len(bare) == 1 and bare not in _LETTER_UNITS:
        return ""
    if not name or not exponent:
        return name
    if exponent in "23" and bare not in _PLAIN_POWER:
        return ""
    said = _POWERS[exponent]
    if power == "after" and name in ("second", "minute", "hour"):
        return f"{name} {'squared' if said == 'square' else 'cubed'}"
    return f"{said} {name}"
