using System.Collections.Concurrent;
using System.Globalization;
using System.Text.Json.Nodes;
using Bank.Contracts;
using Bank.Transactions;
using Demo;
using Microsoft.EntityFrameworkCore;
using Sequent.Client;

namespace EndToEnd.Fire;

/// <summary>Holds what every instance answers against the log: every account's statement and balance, every customer's accounts and transfers.</summary>
internal sealed class ReadModelAudit
{
    /// <summary>As many as <c>GET /transactions</c> shows.</summary>
    private const int ListLimit = 100;

    private readonly ConcurrentQueue<string> _findings = [];
    private readonly BankProcesses _bank;
    private readonly BankStorage _storage;
    private readonly BankAudit _audit;
    private readonly long _end;
    private readonly ILookup<string, long> _accountsOf;
    private readonly ILookup<long, string> _statements;
    private readonly Dictionary<long, long> _positions;

    private ReadModelAudit(BankProcesses bank, BankStorage storage, BankAudit audit, IReadOnlyList<RecordedRequest> requests, IReadOnlyList<RecordedEvent> log)
    {
        (_bank, _storage, _audit, _end) = (bank, storage, audit, log[^1].Position);
        var owners = requests.Where(request => request.RequestId is not null).ToDictionary(request => request.RequestId!, request => request.Username);
        _accountsOf = log.Select(e => e.Data).OfType<AccountCreated>().ToLookup(created => owners.GetValueOrDefault(created.RequestID, ""), created => created.AccountID);
        _statements = log.Select(LineOf).OfType<(long Account, string Line)>().ToLookup(entry => entry.Account, entry => entry.Line);
        _positions = log.Where(e => e.Data is PendingTransaction).ToDictionary(e => ((PendingTransaction)e.Data).TransactionID, e => e.Position);
    }

    /// <param name="bank">All of it is ready.</param>
    /// <param name="storage">Where it keeps its state.</param>
    /// <param name="audit">What the log says.</param>
    /// <param name="customers">One of each name.</param>
    /// <param name="requests">Everybody's.</param>
    /// <param name="log">The whole log.</param>
    /// <returns>What is wrong.</returns>
    public static async Task<IReadOnlyList<string>> FindAsync(
        BankProcesses bank, BankStorage storage, BankAudit audit, IReadOnlyList<BankCustomer> customers, IReadOnlyList<RecordedRequest> requests, IReadOnlyList<RecordedEvent> log)
    {
        var readModels = new ReadModelAudit(bank, storage, audit, requests, log);
        await Task.WhenAll(customers.Select(readModels.CheckAsync));
        for (var number = 1; number <= bank.Transactions.Count; number++)
            await readModels.CheckRowsAsync(number);
        return [.. readModels._findings];
    }

    private async Task CheckAsync(BankCustomer customer)
    {
        foreach (var instance in _bank.Users)
            await CheckAccountsAsync(customer, instance);
        foreach (var instance in _bank.Accounts)
            await CheckStatementsAsync(customer, instance);
        foreach (var instance in _bank.Transactions)
            await CheckListAsync(customer, instance);
    }

    private async Task CheckAccountsAsync(BankCustomer customer, RestartableProcess instance)
    {
        var me = await GetAsync(customer, instance, "/users/me");
        Compare(_accountsOf[customer.Username].Order().Select(Text), me["accounts"]!.AsArray().Select(id => Text(id!.GetValue<long>())), $"{instance.Name}: the accounts of {customer.Username}");
    }

    private async Task CheckStatementsAsync(BankCustomer customer, RestartableProcess instance)
    {
        foreach (var account in _accountsOf[customer.Username])
        {
            var balance = (await GetAsync(customer, instance, $"/accounts/{Text(account)}"))["balance"]!.GetValue<string>();
            var lines = (await GetAsync(customer, instance, $"/accounts/{Text(account)}/statement")).AsArray();
            var sum = lines.Aggregate(Money.Zero, (total, line) => total + AmountOf(line!));
            var due = _audit.Balances.GetValueOrDefault(account).ToString();
            Compare([due, due], [balance, sum.ToString()], $"{instance.Name}: the balance and the sum of the statement of account {account}");
            Compare(_statements[account], lines.Select(line => Line(AmountOf(line!), line!["transaction_id"]?.GetValue<long>(), line["note"]?.GetValue<string>())), $"{instance.Name}: the statement of account {account}");
        }
    }

    private async Task CheckListAsync(BankCustomer customer, RestartableProcess instance)
    {
        var mine = _accountsOf[customer.Username].ToHashSet();
        var due = _audit.Transfers.Values.Where(t => mine.Contains(t.Request.FromAccountID) || mine.Contains(t.Request.ToAccountID))
            .OrderByDescending(t => _positions[t.Request.TransactionID]).Take(ListLimit)
            .Select(t => Row(t.Request.TransactionID, t.Request.FromAccountID, t.Request.ToAccountID, t.Request.Amount, t.Status));
        var list = (await GetAsync(customer, instance, "/transactions")).AsArray().Select(t => Row(
            t!["transaction_id"]!.GetValue<long>(), t["from_account_id"]!.GetValue<long>(), t["to_account_id"]!.GetValue<long>(), AmountOf(t),
            Enum.Parse<TransferStatus>(t["status"]!.GetValue<string>(), ignoreCase: true)));
        Compare(due, list, $"{instance.Name}: the transfers of {customer.Username}");
    }

    /// <summary>The list shows the last hundred; what lies before them has to be right as well.</summary>
    private async Task CheckRowsAsync(int number)
    {
        var options = new DbContextOptionsBuilder<TransfersDb>();
        var state = $"{_storage.StateOf("transactions", number)};Pooling=False";
        await using var db = new TransfersDb((_storage.IsServer ? options.UseNpgsql(state) : options.UseSqlite($"{state};Mode=ReadOnly")).Options);
        var rows = await db.Transfers.AsNoTracking().OrderBy(row => row.Position).ToListAsync();
        Compare(
            _audit.Transfers.Values.OrderBy(t => _positions[t.Request.TransactionID])
                .Select(t => Row(t.Request.TransactionID, t.Request.FromAccountID, t.Request.ToAccountID, t.Request.Amount, t.Status)),
            rows.Select(row => Row(row.TransactionId, row.FromAccountId, row.ToAccountId, new Money(row.Cents), row.Status)),
            $"Transactions {number}: its table of transfers");
    }

    private async Task<JsonNode> GetAsync(BankCustomer customer, RestartableProcess instance, string path)
    {
        var answer = await customer.Http.GetAsync([instance], path, _end);
        return answer.Status == 200 ? JsonNode.Parse(answer.Body)! : throw new InvalidOperationException($"{instance.Name}: GET {path}: {answer}");
    }

    private void Compare(IEnumerable<string> due, IEnumerable<string> seen, string what)
    {
        var (log, answer) = (due.ToList(), seen.ToList());
        if (log.SequenceEqual(answer))
            return;
        var at = log.Zip(answer).TakeWhile(pair => pair.First == pair.Second).Count();
        _findings.Enqueue($"{what}: by the log {log.Count} lines, seen {answer.Count}; line {at}: {log.ElementAtOrDefault(at)} by the log, seen {answer.ElementAtOrDefault(at)}");
    }

    private static (long Account, string Line)? LineOf(RecordedEvent e) => e.Data switch
    {
        ConfirmedCredit credit => (credit.AccountID, Line(credit.Amount, credit.TransactionID, credit.Note)),
        ConfirmedDebit debit => (debit.AccountID, Line(-debit.Amount, debit.TransactionID, debit.Note)),
        _ => null,
    };

    private static Money AmountOf(JsonNode node) =>
        Money.TryParse(node["amount"]!.GetValue<string>(), out var amount) ? amount : throw new FormatException($"No amount: {node}");

    private static string Line(Money amount, long? transaction, string? note) => $"{amount} {transaction} {note}";

    private static string Row(long id, long from, long to, Money amount, TransferStatus status) => $"{id}: {amount} from {from} to {to} {status}";

    private static string Text(long id) => id.ToString(CultureInfo.InvariantCulture);
}
