/** The letters of printf that show a float; they mean the same here. */
export type FloatVerb = "e" | "E" | "f" | "g" | "G" | "b" | "x" | "X";

/** Significant decimal digits, with the decimal point before the digit number `point`. */
interface Decimal {
  readonly digits: string;
  readonly point: number;
}

/** A float as mantissa times a power of two. */
interface Binary {
  readonly mantissa: bigint;
  readonly exponent: number;
}

/** Bits of a mantissa after its first. */
const MANTISSA_BITS = 52;

/**
 * A float the way Go's strconv writes it. Without `precision`, with as few digits as identify the number.
 * Halves are rounded to the even digit.
 */
export function formatFloat(value: number, verb: FloatVerb, precision?: number): string {
  if (Number.isNaN(value)) return "NaN";
  const sign = value < 0 || Object.is(value, -0) ? "-" : "";
  const magnitude = Math.abs(value);
  if (magnitude === Infinity) return `${sign || "+"}Inf`;
  return sign + formatMagnitude(magnitude, verb, precision);
}

function formatMagnitude(value: number, verb: FloatVerb, precision: number | undefined): string {
  switch (verb) {
    case "b":
      return formatBinary(value);
    case "x":
      return formatHex(value, precision);
    case "X":
      return formatHex(value, precision).toUpperCase();
    case "f":
      return formatFixed(value, precision);
    case "e":
      return formatExponent(value, precision);
    case "E":
      return formatExponent(value, precision).toUpperCase();
    case "g":
      return formatGeneral(value, precision);
    case "G":
      return formatGeneral(value, precision).toUpperCase();
  }
}

function formatExponent(value: number, precision: number | undefined): string {
  const decimal =
    precision === undefined ? shortestDecimal(value) : roundDecimal(exactDecimal(value), precision + 1);
  return withExponent(decimal, precision ?? Math.max(decimal.digits.length - 1, 0));
}

function withExponent({ digits, point }: Decimal, fractionDigits: number): string {
  const padded = digits.padEnd(fractionDigits + 1, "0");
  const exponent = digits === "" ? 0 : point - 1;
  const fraction = fractionDigits > 0 ? `.${padded.slice(1, fractionDigits + 1)}` : "";
  const size = String(Math.abs(exponent)).padStart(2, "0");
  return `${padded.charAt(0)}${fraction}e${exponent < 0 ? "-" : "+"}${size}`;
}

function formatFixed(value: number, precision: number | undefined): string {
  if (precision === undefined) {
    const decimal = shortestDecimal(value);
    return withPoint(decimal, Math.max(decimal.digits.length - decimal.point, 0));
  }
  const exact = exactDecimal(value);
  return withPoint(roundDecimal(exact, exact.point + precision), precision);
}

function withPoint({ digits, point }: Decimal, fractionDigits: number): string {
  const whole = point > 0 ? digits.slice(0, point).padEnd(point, "0") : "0";
  if (fractionDigits === 0) return whole;
  const leading = "0".repeat(Math.min(Math.max(-point, 0), fractionDigits));
  const fraction = leading + digits.slice(Math.max(point, 0));
  return `${whole}.${fraction.padEnd(fractionDigits, "0").slice(0, fractionDigits)}`;
}

/** The shorter one of fixed and exponential form. */
function formatGeneral(value: number, precision: number | undefined): string {
  const significant = Math.max(precision ?? 0, 1);
  const decimal =
    precision === undefined ? shortestDecimal(value) : roundDecimal(exactDecimal(value), significant);
  const digits = decimal.digits.replace(/0+$/, "");
  const exponent = decimal.point - 1;
  const roomy = significant > digits.length && digits.length >= decimal.point;
  const limit = precision === undefined ? 6 : roomy ? digits.length : significant;
  const trimmed = { digits, point: decimal.point };
  if (exponent < -4 || exponent >= limit) return withExponent(trimmed, Math.max(digits.length - 1, 0));
  return withPoint(trimmed, Math.max(digits.length - trimmed.point, 0));
}

/** The fewest digits that no other float is nearer to. */
function shortestDecimal(value: number): Decimal {
  if (value === 0) return { digits: "", point: 0 };
  const [mantissa = "", exponent = "0"] = value.toExponential().split("e");
  return { digits: mantissa.replace(".", ""), point: Number(exponent) + 1 };
}

/** All digits of the float, which is a sum of powers of two and so has finitely many. */
function exactDecimal(value: number): Decimal {
  if (value === 0) return { digits: "", point: 0 };
  const { mantissa, exponent } = decompose(value);
  if (exponent >= 0) {
    const digits = (mantissa << BigInt(exponent)).toString();
    return { digits, point: digits.length };
  }
  const digits = (mantissa * 5n ** BigInt(-exponent)).toString();
  return { digits, point: digits.length + exponent };
}

/** Keeps `count` digits; none or less may still round up to one. */
function roundDecimal({ digits, point }: Decimal, count: number): Decimal {
  if (count >= digits.length) return { digits, point };
  if (count < 0) return { digits: "", point: 0 };
  const kept = digits.slice(0, count);
  const next = digits.charAt(count);
  const isHalf = next === "5" && /^0*$/.test(digits.slice(count + 1));
  const up = isHalf ? /[13579]$/.test(kept) : next >= "5";
  if (!up) return { digits: kept, point: kept === "" ? 0 : point };
  const raised = (BigInt(kept === "" ? "0" : kept) + 1n).toString().padStart(count, "0");
  return { digits: raised, point: raised.length > count ? point + 1 : point };
}

function formatBinary(value: number): string {
  const { mantissa, exponent } = decompose(value);
  return `${mantissa}p${exponent < 0 ? "" : "+"}${exponent}`;
}

/** Hexadecimal with a binary exponent and one digit before the point: `0x1.8p+01`. */
function formatHex(value: number, precision: number | undefined): string {
  let { mantissa, exponent } =
    value === 0 ? { mantissa: 0n, exponent: -MANTISSA_BITS } : normalize(decompose(value));
  if (precision !== undefined && precision * 4 < MANTISSA_BITS) {
    mantissa = roundBits(mantissa, MANTISSA_BITS - precision * 4);
    if (mantissa >> BigInt(MANTISSA_BITS + 1) > 0n) {
      mantissa >>= 1n;
      exponent++;
    }
  }
  const power = exponent + MANTISSA_BITS;
  const all = (mantissa & (2n ** BigInt(MANTISSA_BITS) - 1n)).toString(16).padStart(MANTISSA_BITS / 4, "0");
  const fraction =
    precision === undefined ? all.replace(/0+$/, "") : all.slice(0, precision).padEnd(precision, "0");
  const size = String(Math.abs(power)).padStart(2, "0");
  const whole = mantissa >> BigInt(MANTISSA_BITS);
  return `0x${whole}${fraction === "" ? "" : `.${fraction}`}p${power < 0 ? "-" : "+"}${size}`;
}

/** Clears the lowest `count` bits, rounding half to even. */
function roundBits(value: bigint, count: number): bigint {
  const unit = 2n ** BigInt(count);
  const rest = value % unit;
  const floor = value - rest;
  const odd = (floor / unit) % 2n === 1n;
  return rest * 2n > unit || (rest * 2n === unit && odd) ? floor + unit : floor;
}

/** Moves the highest bit to its place, which in the smallest floats it is below. */
function normalize({ mantissa, exponent }: Binary): Binary {
  const shift = MANTISSA_BITS + 1 - mantissa.toString(2).length;
  return { mantissa: mantissa << BigInt(shift), exponent: exponent - shift };
}

function decompose(value: number): Binary {
  const bits = new BigUint64Array(new Float64Array([value]).buffer)[0] ?? 0n;
  const fraction = bits & (2n ** BigInt(MANTISSA_BITS) - 1n);
  const biased = Number((bits >> BigInt(MANTISSA_BITS)) & 0x7ffn);
  if (biased === 0) return { mantissa: fraction, exponent: -1074 };
  return { mantissa: fraction | (1n << BigInt(MANTISSA_BITS)), exponent: biased - 1075 };
}
