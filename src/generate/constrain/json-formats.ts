/**
 * The formats of JSON Schema that a string can be held to, each as a pattern for a part of what the format allows. Those of texts of any
 * length count nothing, so that few states are multiplied by those of a `maxLength` beside them.
 */

const DAYS_OF_MONTHS =
  '(0[13578]|1[02])-(0[1-9]|[12][0-9]|3[01])|(0[469]|11)-(0[1-9]|[12][0-9]|30)|02-(0[1-9]|1[0-9]|2[0-8])';
const DATE = `[0-9]{4}-(${DAYS_OF_MONTHS})`;
const TIME = '([01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9](\\.[0-9]{1,6})?(Z|[+-]([01][0-9]|2[0-3]):[0-5][0-9])';
// No hyphens in a row, which would announce Punycode, and no last label of digits, which would be an address.
const LABEL = '[a-z0-9]+(-[a-z0-9]+)*';
const TOP = '[a-z]{2,}';
const BYTE = '(25[0-5]|2[0-4][0-9]|1[0-9]{2}|[1-9]?[0-9])';
const PATH_CHARACTER = "([A-Za-z0-9._~!$&'()*+,;=:@-]|%[0-9A-F]{2})";

/** Anchored by themselves. RFC 3339, 4122, 5321, 1123, 2673, 4291, 3986. */
export const JSON_FORMATS: Readonly<Record<string, string>> = {
  date: DATE,
  time: TIME,
  'date-time': `${DATE}T${TIME}`,
  duration: 'P([0-9]{1,4}D(T[0-9]{1,4}H)?|T[0-9]{1,4}[HMS]|[0-9]{1,4}W)',
  uuid: '[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}',
  email: `[A-Za-z0-9_+-]+(\\.[A-Za-z0-9_+-]+)*@(${LABEL}\\.)+${TOP}`,
  hostname: '([a-z0-9]{1,20}(-[a-z0-9]{1,20}){0,2}\\.){0,3}[a-z]{2,20}',
  ipv4: `${BYTE}(\\.${BYTE}){3}`,
  ipv6: '[0-9a-f]{1,4}(:[0-9a-f]{1,4}){7}',
  uri: `https?://(${LABEL}\\.)*${TOP}(:[1-9][0-9]{0,3})?(/${PATH_CHARACTER}*)*(\\?${PATH_CHARACTER}*)?(#${PATH_CHARACTER}*)?`,
};
