"""What signs, units, currencies and months are called in the languages besides English."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

Pairs = Mapping[str, tuple[str, str]]
"""Sign to its name for one and for several."""


@dataclass(frozen=True)
class Names:
    """What one language calls things."""

    months: tuple[str, ...]
    date: str
    """From day, month and year."""
    first: str
    """Of a month."""
    hours: str
    """From the hours and minutes of 15h30."""
    full_hour: str
    """From the hours of 15:00."""
    minus: str
    to: str
    """Between the numbers of a range."""
    number: str
    """Before a number: n° 5."""
    dot: str
    dash: str
    ordinal: str
    """From a number; "" where eSpeak reads Roman numerals and ordinals well by itself."""
    cents: str
    """Between the whole and the hundredths of an amount."""
    signs: Mapping[str, str]
    units: Pairs
    currencies: Pairs
    abbreviations: Mapping[str, str]


def _pairs(text: str) -> dict[str, tuple[str, str]]:
    """Lines "l,L litro litros": signs, one, several; an underscore stands for a space."""
    found = {}
    for line in text.strip().splitlines():
        signs, one, *many = line.split()
        names = (one.replace("_", " "), (many or [one])[0].replace("_", " "))
        found |= dict.fromkeys(signs.split(","), names)
    return found


def _names(text: str) -> dict[str, str]:
    return {sign: one for sign, (one, _) in _pairs(text).items()}


_SPANISH = Names(
    months=(
        *("enero", "febrero", "marzo", "abril", "mayo", "junio", "julio", "agosto"),
        *("septiembre", "octubre", "noviembre", "diciembre"),
    ),
    date="{0} de {1} de {2}",
    first="primero",
    hours="{0} horas {1}",
    full_hour="{0} horas",
    minus="menos",
    to="a",
    number="número",
    dot="punto",
    dash="guion",
    ordinal="",
    cents="con",
    signs={"&": "y", "×": "por", "÷": "entre", "=": "igual a", "½": "medio", "°": "grados"},
    units=_pairs(
        """
        km kilómetro kilómetros
        m metro metros
        cm centímetro centímetros
        mm milímetro milímetros
        m²,m2 metro_cuadrado metros_cuadrados
        km² kilómetro_cuadrado kilómetros_cuadrados
        m³ metro_cúbico metros_cúbicos
        km/h kilómetro_por_hora kilómetros_por_hora
        m/s metro_por_segundo metros_por_segundo
        kg kilo kilos
        g gramo gramos
        mg miligramo miligramos
        l,L litro litros
        ml mililitro mililitros
        h hora horas
        min minuto minutos
        s segundo segundos
        ms milisegundo milisegundos
        °C grado_Celsius grados_Celsius
        °F grado_Fahrenheit grados_Fahrenheit
        ° grado grados
        W vatio vatios
        kW kilovatio kilovatios
        kWh kilovatio_hora kilovatios_hora
        MB megabyte megabytes
        GB gigabyte gigabytes
        TB terabyte terabytes
        Hz hercio hercios
        GHz gigahercio gigahercios
        fps fotograma_por_segundo fotogramas_por_segundo
        """
    ),
    currencies=_pairs(
        """
        €,EUR euro euros
        $,US$,USD dólar dólares
        R$ real reales
        £,GBP libra libras
        ¥ yen yenes
        """
    ),
    abbreviations=_names(
        """
        sr señor
        sra señora
        srta señorita
        dr doctor
        dra doctora
        prof profesor
        av avenida
        etc etcétera
        pág página
        tel teléfono
        aprox aproximadamente
        ee.uu Estados_Unidos
        p.ej por_ejemplo
        """
    ),
)
_FRENCH = Names(
    months=(
        *("janvier", "février", "mars", "avril", "mai", "juin", "juillet", "août"),
        *("septembre", "octobre", "novembre", "décembre"),
    ),
    date="{0} {1} {2}",
    first="premier",
    hours="{0} heures {1}",
    full_hour="{0} heures",
    minus="moins",
    to="à",
    number="numéro",
    dot="point",
    dash="tiret",
    ordinal="{0}ème",
    cents="",
    signs={"&": "et", "×": "fois", "÷": "divisé par", "=": "égale", "½": "un demi", "°": "degrés"},
    units=_pairs(
        """
        km kilomètre kilomètres
        m mètre mètres
        cm centimètre centimètres
        mm millimètre millimètres
        m²,m2 mètre_carré mètres_carrés
        km² kilomètre_carré kilomètres_carrés
        m³ mètre_cube mètres_cubes
        km/h kilomètre_heure kilomètres_heure
        m/s mètre_par_seconde mètres_par_seconde
        kg kilo kilos
        g gramme grammes
        mg milligramme milligrammes
        l,L litre litres
        ml millilitre millilitres
        h heure heures
        min minute minutes
        s seconde secondes
        ms milliseconde millisecondes
        °C degré_Celsius degrés_Celsius
        °F degré_Fahrenheit degrés_Fahrenheit
        ° degré degrés
        W watt watts
        kW kilowatt kilowatts
        kWh kilowattheure kilowattheures
        Mo,MB mégaoctet mégaoctets
        Go,GB gigaoctet gigaoctets
        To téraoctet téraoctets
        Hz hertz hertz
        GHz gigahertz gigahertz
        fps image_par_seconde images_par_seconde
        """
    ),
    currencies=_pairs(
        """
        €,EUR euro euros
        $,US$,USD dollar dollars
        R$ réal réaux
        £,GBP livre livres
        ¥ yen yens
        """
    ),
    abbreviations=_names(
        """
        m monsieur
        mm messieurs
        dr docteur
        pr professeur
        av avenue
        bd boulevard
        etc et_cetera
        p page
        tél téléphone
        env environ
        """
    ),
)
_ITALIAN = Names(
    months=(
        *("gennaio", "febbraio", "marzo", "aprile", "maggio", "giugno", "luglio", "agosto"),
        *("settembre", "ottobre", "novembre", "dicembre"),
    ),
    date="{0} {1} {2}",
    first="primo",
    hours="{0} e {1}",
    full_hour="{0}",
    minus="meno",
    to="a",
    number="numero",
    dot="punto",
    dash="trattino",
    ordinal="",
    cents="e",
    signs={"&": "e", "×": "per", "÷": "diviso", "=": "uguale a", "½": "mezzo", "°": "gradi"},
    units=_pairs(
        """
        km chilometro chilometri
        m metro metri
        cm centimetro centimetri
        mm millimetro millimetri
        m²,m2 metro_quadrato metri_quadrati
        km² chilometro_quadrato chilometri_quadrati
        m³ metro_cubo metri_cubi
        km/h chilometro_orario chilometri_orari
        m/s metro_al_secondo metri_al_secondo
        kg chilo chili
        g grammo grammi
        mg milligrammo milligrammi
        l,L litro litri
        ml millilitro millilitri
        h ora ore
        min minuto minuti
        s secondo secondi
        ms millisecondo millisecondi
        °C grado_Celsius gradi_Celsius
        °F grado_Fahrenheit gradi_Fahrenheit
        ° grado gradi
        W watt watt
        kW chilowatt chilowatt
        kWh chilowattora chilowattora
        MB megabyte megabyte
        GB gigabyte gigabyte
        TB terabyte terabyte
        Hz hertz hertz
        GHz gigahertz gigahertz
        fps fotogramma_al_secondo fotogrammi_al_secondo
        """
    ),
    currencies=_pairs(
        """
        €,EUR euro euro
        $,US$,USD dollaro dollari
        R$ real real
        £,GBP sterlina sterline
        ¥ yen yen
        """
    ),
    abbreviations=_names(
        """
        sig signor
        sig.ra signora
        sig.na signorina
        dott,dr dottor
        dott.ssa dottoressa
        prof professor
        prof.ssa professoressa
        ing ingegner
        avv avvocato
        ecc,etc eccetera
        pag pagina
        tel telefono
        """
    ),
)
_PORTUGUESE = Names(
    months=(
        *("janeiro", "fevereiro", "março", "abril", "maio", "junho", "julho", "agosto"),
        *("setembro", "outubro", "novembro", "dezembro"),
    ),
    date="{0} de {1} de {2}",
    first="primeiro",
    hours="{0} horas {1}",
    full_hour="{0} horas",
    minus="menos",
    to="a",
    number="número",
    dot="ponto",
    dash="traço",
    ordinal="",
    cents="e",
    signs={"&": "e", "×": "vezes", "÷": "dividido por", "=": "igual a", "½": "meio", "°": "graus"},
    units=_pairs(
        """
        km quilômetro quilômetros
        m metro metros
        cm centímetro centímetros
        mm milímetro milímetros
        m²,m2 metro_quadrado metros_quadrados
        km² quilômetro_quadrado quilômetros_quadrados
        m³ metro_cúbico metros_cúbicos
        km/h quilômetro_por_hora quilômetros_por_hora
        m/s metro_por_segundo metros_por_segundo
        kg quilo quilos
        g grama gramas
        mg miligrama miligramas
        l,L litro litros
        ml mililitro mililitros
        h hora horas
        min minuto minutos
        s segundo segundos
        ms milissegundo milissegundos
        °C grau_Celsius graus_Celsius
        °F grau_Fahrenheit graus_Fahrenheit
        ° grau graus
        W watt watts
        kW quilowatt quilowatts
        kWh quilowatt-hora quilowatts-hora
        MB megabyte megabytes
        GB gigabyte gigabytes
        TB terabyte terabytes
        Hz hertz hertz
        GHz gigahertz gigahertz
        fps quadro_por_segundo quadros_por_segundo
        """
    ),
    currencies=_pairs(
        """
        €,EUR euro euros
        $,US$,USD dólar dólares
        R$,BRL real reais
        £,GBP libra libras
        ¥ iene ienes
        """
    ),
    abbreviations=_names(
        """
        sr senhor
        sra senhora
        srta senhorita
        dr doutor
        dra doutora
        prof professor
        profa professora
        av avenida
        etc etcétera
        pág página
        tel telefone
        """
    ),
)
LANGUAGES = {"es": _SPANISH, "fr": _FRENCH, "it": _ITALIAN, "pt-br": _PORTUGUESE}
