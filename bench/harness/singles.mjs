export async function measureSingles() { return []; }
