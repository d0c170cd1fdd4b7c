"""Which words are the documents of corpus.py made of?"""

# Fields that hold text.
TEXT = [
    'eventType', 'actor.alternateId', 'outcome.reason', 'severity', 'displayMessage',
    'client.userAgent.rawUserAgent', 'debugContext.debugData.requestUri', 'target.alternateId',
]

# Fields that hold something else.
OTHER = ['securityContext.asNumber', 'securityContext.isProxy', 'client.ipAddress', 'published']

# What is no field, or no value.
UNKNOWN = ['EventID', 'actor.alternateID', 'target', 'client', 'some field', 'enriched']

# Sigma's modifiers.
MODIFIERS = [
    'all', 'neq', 'base64', 'base64offset', 'cased', 'cidr', 'contains', 'day', 'dotall', 'endswith', 'exists',
    'expand', 'fieldref', 'gt', 'gte', 'hour', 'i', 'ignorecase', 'lt', 'lte', 'm', 'minute', 'month',
    'multiline', 're', 'utf16', 'utf16be', 's', 'startswith', 'week', 'wide', 'windash', 'year',
]

# What is none, or none that pySigma knows.
STRANGE = ['utf16le', 'contians', '', 'Contains', 'not', 'regex', 'in', 'lte ', 'count']

# Values that are text.
WORDS = [
    'user.session.start', 'ana@example.com', 'a', 'Ä ö', 'ends\\', 'two words', '-enc /c', 'a-b', '%known%',
    'C:\\Users\\*', '\\*plain\\?', '*', '**', '?', 'a*b?c', '', ' ', '10.0.0.0/8', '12', '1.5', 'true', 'null',
    '-', 'unknown', 'user.*', 'aGVsbG8=', '日本', 'tab\there', 'quote\'"',
    'xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx',
]

# Networks.
GOOD_NETWORKS = ['10.0.0.0/8', '2001:db8::/32', '192.0.2.1', '::1', '0.0.0.0/0']

# What some take for a network.
NETWORKS = [
    '10.0.0.1/8', '10.0.0/8', '1.2.3.4/33', 'fe80::%1/64', '10.0.0.0/255.0.0.0', '2001:db8::/129',
    'no network', '',
]

# Regular expressions of every engine.
GOOD_REGEXES = [
    '^a.*b$', 'a|b', '(a|b)c', '[a-z]+', '\\d{3}', '\\bword\\b', '(?i)a', '(?P<name>a)', 'a{1,5}', '^$',
    '\\p{L}+', '[^\\W_]', '(?s:.)', '\\A', '[a-]', 'x{0}', '[[:alpha:]]', '\\x41', '\\pN',
]

# Those of some engines, or of none.
REGEXES = [
    '(?<name>a)', '(?=a)b', '(?<!a)b', '(a)\\1', '[', '(', 'a{2,1}', '*a', '\\Qa.b\\E', 'a**', 'a{1001}',
    '(?:a', '\\', '', 'a++', '\\z', '\\Z', '\\u0041',
]

# Values that are numbers.
NUMBERS = [0, 1, -1, 443, 1.5, -0.25, 2147483648, 9007199254740992, 1e+300, 64500, 59, 2026]

# Names of selections.
NAMES = ['selection', 'filter_main', 'filter_other', 'sel-one', '_hidden', 'them', '1st', 'keywords', 'not_ok']

# Types of correlations.
KINDS = [
    'event_count', 'value_count', 'temporal', 'temporal_ordered', 'value_sum', 'value_avg', 'value_median',
    'value_percentile',
]

# Comparisons of correlations.
OPERATORS = ['gt', 'gte', 'lt', 'lte', 'eq', 'neq']

# Chains of modifiers with the kind of value that goes with them.
LEGAL = [
    ([], 'word'), (['contains'], 'word'), (['startswith'], 'word'), (['endswith'], 'word'),
    (['cased'], 'word'), (['contains', 'all'], 'words'), (['all', 'contains'], 'words'), (['all'], 'words'),
    (['contains', 'cased'], 'word'), (['cased', 'endswith'], 'word'), (['neq'], 'any'),
    (['contains', 'neq'], 'word'), (['neq', 're'], 'regex'), (['re'], 'regex'), (['re', 'i'], 'regex'),
    (['re', 'ignorecase', 'm'], 'regex'), (['re', 's', 'multiline'], 'regex'), (['re', 'dotall'], 'regex'),
    (['re', 'contains'], 'regex'), (['re', 'startswith'], 'regex'), (['re', 'endswith', 'i'], 'regex'),
    (['cidr'], 'network'), (['cidr', 'neq'], 'network'), (['exists'], 'flag'), (['gt'], 'number'),
    (['gte'], 'number'), (['lt'], 'number'), (['lte'], 'number'), (['lt', 'neq'], 'number'),
    (['windash'], 'plain'), (['windash', 'contains'], 'plain'), (['contains', 'windash'], 'plain'),
    (['windash', 'contains', 'all'], 'plains'), (['base64'], 'plain'), (['base64offset', 'contains'], 'plain'),
    (['base64offset'], 'plain'), (['utf16', 'base64offset', 'contains'], 'plain'),
    (['wide', 'base64offset', 'contains'], 'plain'), (['utf16be', 'base64'], 'plain'),
    (['windash', 'base64'], 'plain'), (['fieldref'], 'field'), (['fieldref', 'neq'], 'field'),
    (['fieldref', 'startswith'], 'field'), (['fieldref', 'endswith'], 'field'),
    (['fieldref', 'contains'], 'field'), (['minute'], 'number'), (['hour'], 'number'), (['day'], 'number'),
    (['week'], 'number'), (['month'], 'number'), (['year'], 'number'), (['hour', 'gte'], 'number'),
    (['hour', 'lt', 'neq'], 'number'), (['expand'], 'list'), (['expand', 'cased'], 'list'),
    (['contains', 'expand'], 'list'), (['expand', 'contains'], 'list'),
]

# Scalars as they are written, which YAML 1.1 and 1.2 may read differently.
WRITTEN = [
    'yes', 'no', 'On', 'off', 'y', '010', '0o10', '0x1F', '0b11', '12:30', '12:30:45', '2026-01-31',
    '2026-01-31T10:00:00Z', '1_000', '.inf', '-.inf', '.nan', '1e3', '+1', '1.', '.5', '=', '~', 'Null',
    'TRUE', "'1'", '"a\\tb"', "'it''s'", '"\\x41"', '!!str 1', "!!int '1'", '!!float 1', "!!bool 'true'",
    "!!null ''", '!!binary aGVsbG8=', '!local x', '!<tag:x> y', '!!python/object:os.system x', '!!set {a, b}',
    '!!map {}', '&anchor a', '*nowhere', '|\n      two\n      lines', '>-\n      one\n      line',
    '|2\n      x', '[a, b]', "[a, 'b', 3]", '{a: b}', '[a, [b]]', '[a,]', '[, a]', 'a # comment',
    "'a' # comment", 'a: b', '- a', 'a\n      b', '%x', '@x', '`x`', "'open", '"open', '[open', '{open', '\ta',
    'a\tb', 'é', '😀', '"\\ud83d"', '"\\u00e9"', '\u2028', '\x85', 'a\x07', '? a', ': a', '-a', '--- a', '...',
    '<<', '!', '&a', '0', '-0', '00', '9223372036854775808', '-9223372036854775809', '1e400',
]

# Whole files, into which {rule} is put.
FILES = [
    '{rule}---\n', '---\n{rule}', '---\n---\n{rule}', '{rule}...\n', '{rule}---\n# nothing\n', '# nothing\n',
    '', '\n', 'null\n', 'text\n', '[]\n', '%YAML 1.2\n---\n{rule}', '%YAML 1.1\n---\n{rule}',
    '%TAG ! tag:x,2000:\n---\n{rule}', '\ufeff{rule}', '{rule}tags: &t [attack.t1621]\n',
    '{rule}tags: &t [attack.t1621]\nreferences: *t\n', '{rule}status: test\n',
    '{rule}level: low\nlevel: high\n', '{rule}? [a]\n: b\n', '{rule}? a\n', '{rule}1: x\n', '{rule}true: x\n',
    '{rule}null: x\n', "{rule}'': x\n", '{rule}related: &r\n- *r\n', '{rule}\tkey: x\n', '{rule} key: x\n',
    '{rule}<<: {{author: A}}\n', '{rule}fields: !!set {{severity}}\n', '{rule}description: |\n  a\n\n  b\n',
    '{rule}description: >\n  a\n b\n',
]
