// What is measured, on which servers, and what the project promises. A phase's servers run side by side; its rows share them.
import { fastify } from './targets/fastify.mjs';
import { plinth } from './targets/plinth.mjs';
import { pocketbase } from './targets/pocketbase.mjs';
import { policies } from './targets/policies.mjs';
import { expressOnPostgres } from './targets/express.mjs';
import { postgraphileOnPostgres } from './targets/postgraphile.mjs';
import { fastifyOnPostgres, plinthOnPostgres } from './targets/postgres.mjs';

const fast = 'fastify';
const pocket = 'pocketbase';
const express = 'express';

/** A session, and a session under rules, may cost at most 15 % of the throughput. */
const freePolicies = [
  { of: 'plinth-ruled', against: 'plinth-open', floor: 0.85 }, { of: 'plinth-signed', against: 'plinth-open', floor: 0.85 },
];

export const phases = [
  {
    name: 'reads',
    title: 'Reads',
    targets: () => [plinth(), plinth({ recordCache: false }), fastify(), fastify({ workers: 2 }), pocketbase()],
    rows: [
      {
        id: 'by-id', title: 'One record by id', request: 'byId', connections: 64,
        promises: [
          { of: 'plinth-uncached', against: fast, floor: 2.2, goal: 3 }, { of: 'plinth', against: fast, floor: 3, goal: 4 },
          { of: 'plinth', against: pocket, floor: 3 },
        ],
      },
      {
        id: 'list-50', title: 'List of 50, filtered and sorted', request: 'list', connections: 64,
        promises: [{ of: 'plinth', against: fast, floor: 6, goal: 8 }, { of: 'plinth', against: pocket, floor: 3 }],
      },
      {
        id: 'nested-20', title: 'List of 20 with author and 5 comments each', request: 'nested', connections: 64,
        promises: [{ of: 'plinth', against: fast, floor: 8, goal: 10 }],
      },
    ],
  },
  {
    name: 'policies',
    title: 'Reads by who is signed in, under rules, against the same reads without session and rules',
    targets: () => [
      policies({ isRuled: false, isSigned: false }), policies({ isRuled: false, isSigned: true }),
      policies({ isRuled: true, isSigned: true }),
    ],
    rows: [
      {
        id: 'by-id-ruled', title: 'One record by id', request: 'byId', connections: 64,
        promises: freePolicies,
      },
      {
        id: 'list-50-ruled', title: 'List of 50, filtered and sorted', request: 'listPublished', connections: 64,
        promises: freePolicies,
      },
    ],
  },
  {
    name: 'writes',
    title: 'Writes, each at its default durability (PocketBase: NORMAL; the others: FULL)',
    targets: () => [plinth(), fastify(), fastify({ workers: 2 }), pocketbase()],
    rows: [
      {
        id: 'create', title: 'Create, with an event', request: 'create', connections: 64,
        promises: [{ of: 'plinth', against: fast, floor: 5, goal: 7 }, { of: 'plinth', against: pocket, floor: 5 }],
      },
      {
        id: 'update', title: 'Update, with an event', request: 'update', connections: 64,
        promises: [{ of: 'plinth', against: fast, floor: 5, goal: 7 }],
      },
      { id: 'create-1', title: 'Create over one connection', request: 'create', connections: 1, promises: [] },
    ],
    // Creates per second at 64 connections over those at one.
    comparisons: [{ of: 'plinth', row: 'create', against: 'create-1', floor: 10 }],
  },
  {
    name: 'writes-normal',
    title: 'Writes, all at synchronous=NORMAL',
    targets: () => [
      plinth({ synchronous: 'NORMAL' }), fastify({ synchronous: 'NORMAL' }), fastify({ workers: 2, synchronous: 'NORMAL' }), pocketbase(),
    ],
    rows: [
      {
        id: 'create-normal', title: 'Create, with an event', request: 'create', connections: 64,
        promises: [
          { of: 'plinth-normal', against: 'fastify-normal', floor: 2.5, goal: 3.5 },
          { of: 'plinth-normal', against: pocket, floor: 5 },
        ],
      },
      {
        id: 'update-normal', title: 'Update, with an event', request: 'update', connections: 64,
        promises: [{ of: 'plinth-normal', against: 'fastify-normal', floor: 2.5, goal: 3.5 }],
      },
    ],
  },
  {
    name: 'postgres',
    title: 'On PostgreSQL, durable commits',
    onPostgres: true,
    // Needs a server of its own and 20 minutes more.
    isAskedFor: true,
    targets: () => [
      plinthOnPostgres(), plinthOnPostgres({ recordCache: false }), plinthOnPostgres({ cacheBytes: '5MB' }), fastifyOnPostgres(),
      fastifyOnPostgres({ workers: 2 }), expressOnPostgres(), postgraphileOnPostgres(),
    ],
    rows: [
      onPostgres('by-id', 'One record by id', 'byId', 64, [3.5, 4.5], [7, 9]),
      {
        id: 'by-id-90', title: 'One record by id, nine of ten from the record cache', request: 'byIdMostlyHot', connections: 64,
        // Far more requests than the cache has room for: what is asked for once is not asked for again while it is kept.
        count: 60_000, only: ['plinth-small-cache', fast], promises: [{ of: 'plinth-small-cache', against: fast, floor: 5 }],
      },
      onPostgres('by-id-256', 'One record by id', 'byId', 256, [5, 6]),
      onPostgres('by-id-1', 'One record by id', 'byId', 1, [1]),
      onPostgres('list-50', 'List of 50, filtered and sorted', 'list', 64, [3, 4], [5, 7]),
      onPostgres('nested-20', 'List of 20 with author and 5 comments each', 'nested', 64, [2.5, 3.5], [6, 9]),
      onPostgres('create', 'Create, with an event', 'create', 64, [4, 6]),
      onPostgres('create-256', 'Create, with an event', 'create', 256, [8, 10]),
      onPostgres('create-1', 'Create, with an event', 'create', 1, [1]),
      onPostgres('update', 'Update, with an event', 'update', 64, [3, 4.5]),
      { ...onPostgres('create-refused', 'Create, one of fifty refused by the data', 'createSomeRefused', 64, [4, 6]), refused: 0.02 },
    ],
    // What the data refuses may take a tenth of the ratio.
    comparisons: [
      { of: 'plinth-uncached', peer: fast, row: 'create-refused', against: 'create', floor: 0.9 },
      { of: 'plinth', peer: fast, row: 'create-refused', against: 'create', floor: 0.9 },
    ],
  },
  {
    name: 'postgres-signed',
    title: 'On PostgreSQL, signed in: 80 % one record, 10 % lists, 5 % creates, 5 % updates',
    onPostgres: true,
    isAskedFor: true,
    targets: () => [
      plinthOnPostgres({ isSigned: true }), plinthOnPostgres({ isSigned: true, recordCache: false }), fastifyOnPostgres({ isSigned: true }),
    ],
    rows: [onPostgres('mixed', 'Mixed', 'mixed', 64, [3.5, 5], [5, 7])],
  },
  {
    name: 'postgres-slow',
    title: 'On PostgreSQL, each flush of the disk slower by one millisecond',
    onPostgres: true,
    slowFlush: 1000,
    isAskedFor: true,
    targets: () => [plinthOnPostgres(), plinthOnPostgres({ recordCache: false }), fastifyOnPostgres()],
    rows: [onPostgres('create-slow', 'Create, with an event', 'create', 64, [2.5])],
  },
];

/**
 * A row on PostgreSQL with its floor and goal, without the record cache and with it. How many times an ORM's or a GraphQL server's
 * throughput it has to have is said of 64 connections and more: one connection is the latency of the database, which all of them share.
 */
function onPostgres(id, title, request, connections, [floor, goal], cached) {
  const [cachedFloor, cachedGoal] = cached ?? [floor, goal], isAlone = connections === 1;
  return {
    id, title, request, connections,
    promises: [
      { of: 'plinth-uncached', against: fast, floor, goal }, { of: 'plinth', against: fast, floor: cachedFloor, goal: cachedGoal },
      { of: 'plinth-uncached', against: express, ...(isAlone ? {} : { floor: 10 }) },
      { of: 'plinth-uncached', against: 'postgraphile', ...(isAlone ? {} : { floor: 6, goal: 10 }) },
    ],
  };
}
