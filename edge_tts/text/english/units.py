"""Units of measure and currencies as spoken words: (one, several)."""

__all__ = ["CODES", "CURRENCIES", "SCALES", "UNITS"]


def _table(text: str) -> dict[str, tuple[str, str]]:
    """`km=kilometer` per entry; `foot:feet` gives an odd plural, `percent:percent` gives none."""
    table = {}
    for line in text.split(";"):
        names, _, spoken = line.strip().partition("=")
        one, _, several = spoken.partition(":")
        for name in names.split():
            table[name] = (one, several or one + "s")
    return table


UNITS = _table(
    "mm=millimeter; cm=centimeter; km=kilometer; m=meter; nm=nanometer; µm um=micrometer; mi=mile; yd=yard; "
    "ft=foot:feet;"
    "m^2 sqm=square meter; km^2=square kilometer; cm^2=square centimeter; mm^2=square millimeter; ft^2=square "
    "foot:square feet;"
    "m^3=cubic meter; cm^3=cubic centimeter; km^3=cubic kilometer; sq=square:square; cu=cubic:cubic;"
    "mg=milligram; g=gram; kg=kilogram; lb lbs=pound; oz=ounce; microg mcg=microgram;"
    "ml mL=milliliter; cl=centiliter; dl=deciliter; l L=liter; gal=gallon; pt=pint; tsp=teaspoon; tbsp=tablespoon;"
    "ns=nanosecond; ms=millisecond; s sec secs=second; min mins=minute; h hr hrs=hour; wk wks=week; mo=month; yr "
    "yrs=year;"
    "Hz=hertz:hertz; kHz=kilohertz:kilohertz; MHz=megahertz:megahertz; GHz=gigahertz:gigahertz;"
    "W=watt; kW=kilowatt; MW=megawatt; GW=gigawatt; Wh=watt hour; kWh=kilowatt hour; MWh=megawatt hour;"
    "V=volt; mV=millivolt; kV=kilovolt; A=amp; mA=milliamp; mAh=milliamp hour; J=joule; kJ=kilojoule; N=newton;"
    "cal=calorie; kcal=kilocalorie; Pa=pascal; hPa=hectopascal; kPa=kilopascal; psi=P S I:P S I; bar=bar; "
    "mbar=millibar;"
    "dB=decibel; kB KB=kilobyte; MB=megabyte; GB=gigabyte; TB=terabyte; PB=petabyte;"
    "KiB=kibibyte; MiB=mebibyte; GiB=gibibyte; kbps=kilobit per second:kilobits per second;"
    "Mbps=megabit per second:megabits per second; Gbps=gigabit per second:gigabits per second;"
    "MB/s=megabyte per second:megabytes per second; GB/s=gigabyte per second:gigabytes per second;"
    "km/h kph kmh=kilometer per hour:kilometers per hour; mph=mile per hour:miles per hour;"
    "m/s=meter per second:meters per second; m/s^2=meter per second squared:meters per second squared;"
    "px=pixel; MP=megapixel; rpm=R P M:R P M; fps=frame per second:frames per second; ppm=part per million:parts per "
    "million;"
    "ha=hectare; ac=acre; °=degree; °C=degree celsius:degrees celsius; °F=degree fahrenheit:degrees fahrenheit;"
    "%=percent:percent; ‰=per mille:per mille; pp=percentage point; dpi=D P I:D P I"
)

CURRENCIES = {
    "$": ("dollar", "dollars", "cent", "cents"),
    "£": ("pound", "pounds", "penny", "pence"),
    "€": ("euro", "euros", "cent", "cents"),
    "¥": ("yen", "yen", "sen", "sen"),
    "₹": ("rupee", "rupees", "paisa", "paise"),
    "₩": ("won", "won", "jeon", "jeon"),
    "¢": ("cent", "cents", "", ""),
}
"""Sign → (one, several, one hundredth, several hundredths)."""

CODES = {
    "USD": "U S dollars", "EUR": "euros", "GBP": "pounds", "JPY": "yen", "CHF": "swiss francs",
    "CAD": "canadian dollars",
    "AUD": "australian dollars", "INR": "rupees", "CNY": "yuan", "RMB": "yuan", "KRW": "won", "BTC": "bitcoin",
    "SEK": "swedish kronor", "NOK": "norwegian kroner", "DKK": "danish kroner", "MXN": "mexican pesos",
}  # fmt: skip
"""ISO code → spoken plural."""

SCALES = {
    "k": "thousand", "K": "thousand", "m": "million", "M": "million", "mn": "million", "bn": "billion", "b": "billion",
    "B": "billion", "tn": "trillion", "T": "trillion", "trn": "trillion", "hundred": "hundred", "thousand": "thousand",
    "million": "million", "billion": "billion", "trillion": "trillion",
}  # fmt: skip
"""What may follow an amount of money."""
