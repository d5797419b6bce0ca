/**
 * Counts the memory that is asked for. Import it before what is measured: it takes the place of the constructors of typed arrays,
 * through which everything that is sized by a number of a file is made.
 */

const MAKERS = [
  ...([
    'ArrayBuffer',
    'SharedArrayBuffer',
    'Uint8Array',
    'Int8Array',
    'Uint16Array',
    'Int16Array',
    'Uint32Array',
  ] as const),
  ...(['Int32Array', 'Float32Array', 'Float64Array', 'BigUint64Array', 'BigInt64Array'] as const),
];

let allocated = 0;

for (const name of MAKERS) {
  const counting = new Proxy(globalThis[name] as new (...args: unknown[]) => { readonly byteLength: number }, {
    construct(target, args, newTarget) {
      const made = Reflect.construct(target, args, newTarget) as { readonly byteLength: number };
      if (!(args[0] instanceof ArrayBuffer || args[0] instanceof SharedArrayBuffer)) allocated += made.byteLength;
      return made;
    },
  });
  Object.defineProperty(globalThis, name, { value: counting, configurable: true, writable: true });
}

/** Bytes of all typed arrays that were made so far, those among them that are free again. */
export const allocatedBytes = (): number => allocated;
