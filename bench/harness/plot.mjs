// A small plot without a library: per row, each server's requests per second as a multiple of the single Fastify process.

const barHeight = 14;
const left = 330;
const right = 60;
const width = 900;
const colours = { plinth: '#3457d5', fastify: '#8a8a8a', pocketbase: '#c98a2b', express: '#7b5ea7', postgraphile: '#4b9a6b' };

/** The run as SVG; rows without a Fastify measurement are left out. */
export function plot(run) {
  const groups = run.phases.flatMap((phase) => phase.rows.map((row) => groupOf(phase, row))).filter((group) => group !== null);
  const most = Math.max(1, ...groups.flatMap((group) => group.bars.map((bar) => bar.multiple)));
  const parts = [];
  let y = 30;
  for (const group of groups) {
    parts.push(`<text x="10" y="${y + 11}" font-weight="bold">${escape(group.title)}</text>`);
    y += 20;
    for (const bar of group.bars) {
      const length = ((width - left - right) * bar.multiple) / most;
      parts.push(
        `<text x="${left - 8}" y="${y + 11}" text-anchor="end">${escape(bar.label)}</text>`,
        `<rect x="${left}" y="${y}" width="${length.toFixed(1)}" height="${barHeight - 2}" fill="${bar.colour}"/>`,
        `<text x="${(left + length + 5).toFixed(1)}" y="${y + 11}">${bar.multiple.toFixed(2)}</text>`);
      y += barHeight;
    }
    y += 10;
  }
  return (
    `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${y + 10}" font-family="sans-serif" font-size="11">\n` +
    `<rect width="100%" height="100%" fill="white"/>\n<text x="10" y="16">Requests per second, one Fastify process = 1</text>\n` +
    parts.join('\n') + '\n</svg>\n');
}

function groupOf(phase, row) {
  const base = row.servers.find(({ name }) => name === 'fastify' || name === 'fastify-normal');
  if (base === undefined) return null;
  const bars = row.servers.map((server) => ({
    label: server.label, multiple: server.perSecond.median / base.perSecond.median, colour: colours[server.name.split('-')[0]],
  }));
  return { title: `${row.title}${phase.name === 'writes-normal' ? ', synchronous=NORMAL' : ''}`, bars };
}

function escape(text) {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;');
}
