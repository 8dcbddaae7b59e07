"""Characters of ASCII that the kernels look for, by name: each is one byte, also in UTF-8."""

from __future__ import annotations

TAB, NEWLINE, FORM_FEED, BACKSPACE, CARRIAGE_RETURN = map(ord, "\t\n\f\b\r")
SPACE, QUOTE, PLUS, COMMA, MINUS, DOT, SLASH, COLON, AT, UNDERSCORE, BACKSLASH = map(ord, ' "+,-./:@_\\')
OPEN_PARENTHESIS, CLOSE_PARENTHESIS, OPEN_BRACKET, CLOSE_BRACKET, OPEN_BRACE, CLOSE_BRACE = map(ord, "()[]{}")
ZERO, ONE, NINE = map(ord, "019")
UPPER_A, UPPER_E, UPPER_Z = map(ord, "AEZ")
LOWER_A, LOWER_B, LOWER_E, LOWER_F, LOWER_N, LOWER_R, LOWER_T, LOWER_U, LOWER_Z = map(ord, "abefnrtuz")
