"""Which calendar an exchange keeps, by the code and the name that Yahoo gives it.

An exchange that is not listed counts as always open: one request too many is better than a
crossing missed. Left out on purpose: futures, indices that are computed around the clock, German
floors that trade until late, auctions, and mutual funds, whose price comes in the evening: the
Yahoo adapter calls their exchanges `Toronto funds`, `Nasdaq funds` and so on.
"""

_EXCHANGES: dict[str, str] = {
    "XNYS": "NMS, NasdaqGS, NGM, NasdaqGM, NCM, NasdaqCM, NASDAQ, NYQ, NYSE, ASE, NYSE American,"
    " PCX, NYSEArca, BTS, Cboe US, BATS, PNK, OQX, OQB, OEM, OTC Markets, OTC Markets OTCPK,"
    " OTC Markets OTCQX, OTC Markets OTCQB, OTC Markets EXMKT, Other OTC, SNP, DJI, NIM,"
    " Nasdaq GIDS",
    "XTSE": "TOR, Toronto, VAN, TSXV, CNQ, Canadian Sec, NEO, Cboe CA",
    "XLON": "LSE, FGI, FTSE Index",
    "XETR": "GER, XETRA",
    "XPAR": "PAR, Paris",
    "XAMS": "AMS, Amsterdam",
    "XBRU": "BRU, Brussels",
    "XLIS": "LIS, Lisbon",
    "XMIL": "MIL, Milan",
    "XMAD": "MCE",
    "XSWX": "EBS, Swiss",
    "XWBO": "VIE, Vienna",
    "XSTO": "STO, Stockholm",
    "XCSE": "CPH, Copenhagen",
    "XHEL": "HEL, Helsinki",
    "XOSL": "OSL, Oslo",
    "XDUB": "ISE, Irish, Dublin",
    "XWAR": "WSE, Warsaw",
    "XPRA": "PRA, Prague",
    "XBUD": "BUD, Budapest",
    "XIST": "IST, Istanbul",
    "XSAU": "SAU, Saudi",
    "XJSE": "JNB, Johannesburg",
    "XTKS": "JPX, Tokyo, OSA, Osaka",
    "XHKG": "HKG, HKSE",
    "XSHG": "SHH, Shanghai, SHZ, Shenzhen",
    "XTAI": "TAI, Taiwan, TWO, Taipei Exchange",
    "XKRX": "KSC, KSE, KOE, KOSDAQ",
    "XSES": "SES",
    "XBOM": "BSE, Bombay, NSI, NSE",
    "XIDX": "JKT, Jakarta",
    "XKLS": "KLS, Kuala Lumpur",
    "XBKK": "SET, Thailand",
    "XASX": "ASX",
    "XNZE": "NZE, NZSE",
    "BVMF": "SAO, São Paulo, Sao Paulo",
    "XMEX": "MEX, Mexico",
    "XBUE": "BUE, Buenos Aires",
    "XSGO": "SGO, Santiago",
}

CALENDARS: dict[str, str] = {
    name.strip(): calendar for calendar, names in _EXCHANGES.items() for name in names.split(",")
}
"""An exchange's code or name: its calendar's name in `exchange_calendars`."""

EVERY_DAY = frozenset({"CCC", "Cryptocurrency"})
"""Exchanges that know no day off."""
EXTENDED = "XNYS"
"""The only calendar with pre- and post-market prices at Yahoo."""
