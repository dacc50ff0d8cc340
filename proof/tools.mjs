// What proof/run needs of JSON and DNS: node tools.mjs TOOL ARGUMENT…
import { promises as dns } from 'node:dns';
import { readFileSync } from 'node:fs';

const input = () => JSON.parse(readFileSync(0, 'utf8'));

const tools = {
  // price turns the bills of parrotctl cost --json into a sentence.
  price(hours) {
    const month = input().flatMap((bill) => bill.lines).reduce((sum, line) => sum + line.sum, 0);
    const usd = (amount) => `$${amount.toFixed(2)}`;
    console.log(`${usd(month)} a month, ${usd(month / 730)} an hour: about ${usd((month / 730) * hours)} for ${hours} hours`);
  },

  // events turns the events of a stack since a time into lines of the report: what the
  // stack did, what failed, and what took longest.
  events(since) {
    const minutes = (ms) => `${(ms / 60_000).toFixed(1)} min`;
    const begun = {};
    const took = [];
    const events = input().StackEvents.map((event) => ({ ...event, at: Date.parse(event.Timestamp) }));
    for (const event of events.filter(({ at }) => at >= Date.parse(since)).sort((a, b) => a.at - b.at)) {
      const { LogicalResourceId: id, ResourceStatus: status, StackName: stack } = event;
      const reason = (event.ResourceStatusReason ?? '').replaceAll('\n', ' ');
      if (id === stack) {
        console.log(`- ${event.Timestamp} \`${stack}\`: ${status} ${reason}`.trim());
      } else if (status.endsWith('_FAILED')) {
        console.log(`  - \`${id}\` (${event.ResourceType}): ${status}: ${reason}`);
      } else if (status.endsWith('_IN_PROGRESS')) {
        begun[id] ??= event.at;
      } else if (id in begun) {
        took.push({ id, ms: event.at - begun[id] });
        delete begun[id];
      }
    }
    const longest = took.filter(({ ms }) => ms >= 30_000).sort((a, b) => b.ms - a.ms).slice(0, 3);
    if (longest.length) console.log(`  - longest: ${longest.map(({ id, ms }) => `\`${id}\` ${minutes(ms)}`).join(', ')}`);
  },

  // delegated fails unless a domain's name servers are the wanted ones.
  async delegated(domain, wanted) {
    const plain = (names) => names.map((name) => name.toLowerCase().replace(/\.$/, '')).sort().join();
    const found = await dns.resolveNs(domain).then(plain, (error) => error.code);
    console.log(found);
    process.exitCode = found === plain(wanted.split(',')) ? 0 : 1;
  },

  // name-server-record is the change of a domain's NS record.
  'name-server-record'(action, domain, servers) {
    const records = servers.split(',').map((Value) => ({ Value }));
    const change = { Action: action, ResourceRecordSet: { Name: domain, Type: 'NS', TTL: 300, ResourceRecords: records } };
    console.log(JSON.stringify({ Changes: [change] }));
  },

  // deletion is the change that deletes a zone's records but its own NS and SOA.
  deletion(domain) {
    const own = ({ Name, Type }) => Name === `${domain}.` && ['NS', 'SOA'].includes(Type);
    const records = input().ResourceRecordSets.filter((record) => !own(record));
    if (records.length) console.log(JSON.stringify({ Changes: records.map((record) => ({ Action: 'DELETE', ResourceRecordSet: record })) }));
  },
};

await tools[process.argv[2]](...process.argv.slice(3));
