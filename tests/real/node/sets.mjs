/**
 * What is built: packages that functions use, with aliases and with names that are installed in several versions.
 * `external`: what these ask for in a `try` and is not installed.
 */
export const SETS = {
  small: {
    dependencies: { ajv: '8.17.1', dayjs: '1.11.13', debug: '4.3.4', nick: 'npm:ms@2.0.0', nanoid: '3.3.7', pino: '8.21.0', qs: '6.11.0', zod: '3.23.8' },
    code: `const Ajv = require('ajv'); const dayjs = require('dayjs'); const debug = require('debug')('x'); const nick = require('nick');
const { nanoid } = require('nanoid'); const pino = require('pino'); const qs = require('qs'); const { z } = require('zod');
exports.handler = async (e) => { debug(e); return [new Ajv().compile({})(e), dayjs().format(), nick('1s'), nanoid(), typeof pino, qs.stringify(e), z.string().parse(e.s)]; };\n`,
  },
  large: {
    dependencies: {
      '@aws-sdk/client-sqs': '3.600.0', async: '3.2.5', bluebird: '3.7.2', cheerio: '1.0.0-rc.12', commander: '11.1.0', 'cross-fetch': '3.1.8', dotenv: '16.4.5',
      fastify: '4.26.2', 'form-data': '4.0.0', graphql: '16.8.1', handlebars: '4.7.8', ioredis: '5.3.2', joi: '17.12.2', koa: '2.15.0', luxon: '3.4.4',
      'lodash4': 'npm:lodash@4.17.21', marked: '4.3.0', mongodb: '6.5.0', mysql2: '3.9.2', pg: '8.11.3', qs: '6.11.0', ramda: '0.29.1', request: '2.88.2',
      rxjs: '7.8.1', semver: '7.6.0', superagent: '8.1.2', underscore: '1.13.6', validator: '13.11.0', winston: '3.12.0', yaml: '2.4.1', yup: '1.4.0',
    },
  },
  other: {
    dependencies: {
      '@google-cloud/storage': '7.12.1', '@octokit/rest': '20.1.1', '@sendgrid/mail': '8.1.3', ajv: '8.17.1', 'ajv-formats': '3.0.1', amqplib: '0.10.4', argon: 'npm:hash.js@1.1.7',
      'body-parser': '1.20.2', cors: '2.8.5', 'csv-parse': '5.5.6', 'date-fns': '3.6.0', ejs: '3.1.10', express: '4.19.2', 'fast-xml-parser': '4.4.0', got: '11.8.6',
      helmet: '7.1.0', immer: '10.1.1', jose: '5.4.1', jsonwebtoken: '9.0.2', 'lru-cache': '10.2.2', mustache: '4.2.0', nodemailer: '6.9.13', 'node-fetch': '2.7.0',
      openai: '4.52.0', 'p-limit': '3.1.0', pdfkit: '0.15.0', redis: '4.6.14', stripe: '15.12.0', 'tough-cookie': '4.1.4', twilio: '5.2.0', uuid: '9.0.1', ws: '8.17.0', xml2js: '0.6.2',
    },
  },
  // The three below were built after the detectors, to see whether these know more than what they were written against.
  web: {
    dependencies: {
      '@apollo/server': '4.11.0', '@koa/router': '12.0.1', '@nestjs/common': '10.4.1', '@nestjs/core': '10.4.1', '@nestjs/platform-express': '10.4.1', bcryptjs: '2.4.3',
      'class-transformer': '0.5.1', 'class-validator': '0.14.1', compression: '1.7.4', 'cookie-session': '2.1.0', 'express-rate-limit': '7.4.0', graphql: '16.9.0', hono: '4.5.9',
      i18next: '23.14.0', jsonwebtoken: '8.5.1', koa: '2.15.3', lodash: '4.17.20', lodash3: 'npm:lodash@3.10.1', 'lodash-es': '4.17.21', 'moment-timezone': '0.5.45', multer: '1.4.4',
      nunjucks: '3.2.4', passport: '0.7.0', 'passport-jwt': '4.0.1', pug: '3.0.3', 'reflect-metadata': '0.2.2', rxjs: '7.8.1', 'sanitize-html': '2.13.0', 'serverless-http': '3.2.0',
      'socket.io': '4.7.5', undici: '6.19.8', uuid8: 'npm:uuid@8.3.2', uuid: '10.0.0', valibot: '0.41.0', ws: '8.18.0', yargs: '17.7.2', zod: '3.23.8',
    },
    external: ['@nestjs/microservices', '@nestjs/microservices/microservices-module', '@nestjs/websockets/socket-module', 'bufferutil', 'utf-8-validate', 'chokidar'],
  },
  data: {
    dependencies: {
      '@elastic/elasticsearch': '8.15.0', ajv: '6.12.6', ajv8: 'npm:ajv@8.17.1', archiver: '7.0.1', avsc: '5.7.7', bull: '4.16.1', bullmq: '5.12.12', cheerio: '1.0.0', 'crypto-js': '4.2.0',
      'csv-stringify': '6.5.1', 'drizzle-orm': '0.33.0', elliptic: '6.5.7', exceljs: '4.4.0', ioredis: '5.4.1', jose: '5.8.0', 'js-yaml': '4.1.0', kafkajs: '2.2.4', kysely: '0.27.4',
      luxon: '3.5.0', mongoose: '8.6.0', mqtt: '5.10.1', msgpackr: '1.11.0', mysql: '2.18.1', nats: '2.28.2', 'node-forge': '1.3.1', papaparse: '5.4.1', 'pdf-lib': '1.17.1', pg: '8.12.0',
      'pino-http': '10.3.0', protobufjs: '7.4.0', 'puppeteer-core': '23.2.1', sequelize: '6.37.3', 'snappyjs': '0.7.0', tedious: '18.6.1', toml: '3.0.0', tweetnacl: '1.0.3', winston: '3.14.2',
    },
    external: ['pg-native', 'pg-hstore'],
  },
  cloud: {
    dependencies: {
      '@anthropic-ai/sdk': '0.27.1', '@aws-lambda-powertools/logger': '2.7.0', '@aws-lambda-powertools/tracer': '2.7.0', '@aws-sdk/client-dynamodb': '3.637.0', '@aws-sdk/client-s3': '3.637.0',
      '@aws-sdk/lib-dynamodb': '3.637.0', '@azure/cosmos': '4.1.0', '@azure/identity': '4.4.1', '@azure/service-bus': '7.9.5', '@azure/storage-blob': '12.24.0', '@google-cloud/pubsub': '4.7.0',
      '@opentelemetry/sdk-trace-node': '1.26.0', '@sentry/node': '7.119.0', '@slack/web-api': '7.3.4', 'aws-sdk': '2.1691.0', 'firebase-admin': '12.4.0',
      '@smithy/node-http-handler': '3.1.4', axios: '1.7.7', 'launchdarkly-node-server-sdk': '7.0.4',
    },
  },
  // As many packages as one function has, none of them in what the detectors were written against.
  api: {
    dependencies: {
      '@fastify/cors': '9.0.1', '@hapi/boom': '10.0.1', 'axios-retry': '4.5.0', 'change-case': '4.1.2', 'fastify': '4.28.1', 'google-libphonenumber': '3.2.38', 'http-status-codes': '2.3.0',
      'json-rules-engine': '6.5.0', 'knex': '3.1.0', 'object-hash': '3.0.0', 'pino': '9.3.2', 'slugify': '1.6.6', 'ulid': '2.3.0',
    },
    external: ['better-sqlite3', 'mysql', 'mysql2', 'oracledb', 'pg', 'pg-query-stream', 'sqlite3', 'tedious'],
  },
  jobs: {
    dependencies: {
      '@aws-sdk/client-sns': '3.620.0', 'bottleneck': '2.19.5', 'cron-parser': '4.9.0', 'csv-parser': '3.0.0', 'email-validator': '2.0.4', 'handlebars': '4.7.8', 'html-to-text': '9.0.5',
      'ical-generator': '7.2.0', 'fast-csv': '5.0.1', 'mustache': '4.2.0', 'node-cache': '5.1.2', 'p-retry': '4.6.2', 'xlsx': '0.18.5',
    },
  },
};
for (const [name, plain] of Object.entries(SETS).filter(([name]) => name !== 'small')) {
  const names = Object.keys(plain.dependencies);
  plain.code = names.map((name, i) => `const m${i} = require('${name}');`).join('\n')
    + `\nexports.handler = async () => [${names.map((_, i) => `Object.keys(m${i})`).join(', ')}];\n`;
}
