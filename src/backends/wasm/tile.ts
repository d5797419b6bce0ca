export function chooseTile({ relaxed, revec }: { relaxed: boolean; revec: boolean }): { mr: number; nr: number } {
  const e = (globalThis as any).process.env.TILE;
  if (e) {
    const [mr, nr] = e.split(',').map(Number);
    return { mr, nr };
  }
  if (relaxed) return { mr: 6, nr: revec ? 16 : 8 };
  return { mr: 2, nr: 16 };
}
