#!/usr/bin/env bash
# Prints a schema of N models (500 unless told): what `plinth check` is timed on. Every model has relations, validators, indexes and rules
# that hop; the same N gives the same text.
set -euo pipefail
models=${1:-500}

cat <<'HEAD'
app big { defaults { pageSize = 20  maxPageSize = 200 } }

auth { id Uuid  role Role }

enum Role { admin manager staff guest }
enum State { open active paused done }

mixin Timestamps { createdAt DateTime @default(now())  updatedAt DateTime @updatedAt }

type Address { street String  city String  zip String @regex("^[0-9]{5}$") }
type Note { text String @length(max: 2000) }
type Link { url Url  label String }
union Block = Note | Link
HEAD

for ((i = 1; i <= models; i++)); do
  # Item 1 is the root; every other belongs to the item at half its number, so that the relations form one tree.
  parent=$((i / 2))
  below=""
  for child in $((2 * i)) $((2 * i + 1)); do
    if ((child <= models)); then below+="  items$child Item$child[]"$'\n'; fi
  done
  cat <<MODEL

/// Model number $i.
model Item$i {
  use Timestamps
  id       Uuid    @id @default(uuid7())
  name     String  @trim @length(1, 120)
  code     String  @lowercase @regex("^[a-z0-9-]{2,40}\$") @unique
  email    String? @email
  state    State   @default("open")
  amount   Decimal(12, 2)
  score    Int     @default(0) @range(0, 100)
  label    String  @computed(name + " " + code)
  tags     String[]
  blocks   Block[]
  address  Address?
  ownerId  Uuid    @default(auth.id)
MODEL
  if ((parent > 0)); then printf '  parent   Item%d @relation(onDelete: cascade)\n' "$parent"; fi
  printf '%s' "$below"
  cat <<'RULES'

  @@index([state, createdAt(desc)])
  @@check(score >= 0 && amount >= decimal("0"))
  @@allow("read",   state != "paused" || auth.role in ["admin", "manager"])
  @@allow("create", auth.role in ["admin", "manager", "staff"])
RULES
  if ((parent > 0)); then printf '  @@allow("update", ownerId == auth.id && parent.state == "open", after: ownerId == before.ownerId)\n'; fi
  printf '  @@allow("all",    auth.role == "admin")\n'
  if [ -n "$below" ]; then printf '  @@deny ("delete", items%d.exists(x, x.state == "active"))\n' $((2 * i)); fi
  printf '}\n'
done
