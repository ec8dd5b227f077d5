using System.Diagnostics;
using Bank.Contracts;
using Bank.Web.Api;
using Sequent.Client;
using Spectre.Console;

namespace Demo;

/// <summary>What the demo does, step by step. It believes nobody: what the services say is held against the log and against its own sums.</summary>
/// <param name="bank">Where the bank is.</param>
/// <param name="trace">Shows a transfer as its trace; null: its parts are in other processes.</param>
internal sealed class Flow(BankAddresses bank, TransferTrace? trace)
{
    private static readonly Money FirstDeposit = new(100_00);
    private static readonly Money SecondDeposit = new(20_00);
    private static readonly Money BobsDeposit = new(50_00);
    private static readonly Money Payment = new(30_00);
    private static readonly Money TooMuch = new(1_000_00);

    private readonly Dictionary<long, Money> _before = [];
    private readonly Dictionary<long, Money> _expected = [];
    private readonly List<(long Id, BankCustomer Owner)> _accounts = [];

    public async Task RunAsync(CancellationToken cancellationToken)
    {
        await using var bus = bank.CreateBusClient();
        using var alice = new BankCustomer(bank, "alice");
        using var bob = new BankCustomer(bank, "bob");

        await StepAsync("Read the log", async () =>
        {
            var info = await bus.ConnectAsync(cancellationToken);
            return info.Position == 0 ? "it is empty, this is the first run" : $"{info.Position} events from earlier runs";
        });
        foreach (var customer in new[] { alice, bob })
            await StepAsync($"Sign in {customer.Username}", async () => await customer.SignInAsync(cancellationToken) ? "registered" : "known from an earlier run");
        await StepAsync("Open accounts", async () => await OpenAsync(alice, 2, cancellationToken) + await OpenAsync(bob, 1, cancellationToken) is > 0 and var opened
            ? $"{opened} new" : "all three are there from an earlier run");
        await StepAsync("Hold balances, statements and lists against the log", () => CompareAsync(bus, alice, bob, cancellationToken));
        foreach (var (id, owner) in _accounts)
            _expected[id] = _before[id] = await owner.BalanceAsync(id, cancellationToken);

        var (first, second, bobs) = (_accounts[0].Id, _accounts[1].Id, _accounts[2].Id);
        await DepositAsync(alice, first, FirstDeposit, cancellationToken);
        await DepositAsync(alice, second, SecondDeposit, cancellationToken);
        await DepositAsync(bob, bobs, BobsDeposit, cancellationToken);
        var transfers = new List<(string What, TransferState State, Money Amount)>
        {
            await TransferAsync(alice, first, bobs, Payment, "ACCEPTED", null, cancellationToken),
            await TransferAsync(bob, bobs, second, _expected[bobs] + TooMuch, "REJECTED", Reasons.InsufficientFunds, cancellationToken),
        };
        await StepAsync("Hold balances, statements and lists against the log", () => CompareAsync(bus, alice, bob, cancellationToken));
        await StepAsync("Hold balances against what was moved", () => CheckBalancesAsync(cancellationToken));
        if (trace is not null)
            await trace.ShowAsync(transfers[0].State.TransactionId, cancellationToken);
        await ShowAsync(transfers, cancellationToken);
    }

    private async Task<int> OpenAsync(BankCustomer owner, int wanted, CancellationToken cancellationToken)
    {
        var accounts = (await owner.AccountsAsync(cancellationToken)).Take(wanted).ToList();
        var missing = wanted - accounts.Count;
        for (var i = 0; i < missing; i++)
            accounts.Add(await owner.OpenAccountAsync(cancellationToken));
        _accounts.AddRange(accounts.Select(id => (id, owner)));
        return missing;
    }

    private Task DepositAsync(BankCustomer owner, long account, Money amount, CancellationToken cancellationToken) =>
        StepAsync($"Deposit {amount} on account {account} of {owner.Username}", async () =>
        {
            await owner.DepositAsync(account, amount, cancellationToken);
            _expected[account] += amount;
            return $"balance {await owner.BalanceAsync(account, cancellationToken)}";
        });

    private async Task<(string What, TransferState State, Money Amount)> TransferAsync(
        BankCustomer owner, long from, long to, Money amount, string status, string? reason, CancellationToken cancellationToken)
    {
        TransferState? state = null;
        await StepAsync($"Transfer {amount} from account {from} to {to}", async () =>
        {
            state = await owner.TransferAsync(from, to, amount, cancellationToken);
            Check(state.Status == status && state.Reason == reason, $"The transfer ended as {state.Status} {state.Reason}, not as {status} {reason}.");
            return $"{state.Status} {state.Reason}";
        });
        if (status == "ACCEPTED")
            (_expected[from], _expected[to]) = (_expected[from] - amount, _expected[to] + amount);
        return ($"{from} to {to}", state!, amount);
    }

    /// <summary>Holds what the services answer against the log.</summary>
    private async Task<string> CompareAsync(SequentClient bus, BankCustomer alice, BankCustomer bob, CancellationToken cancellationToken)
    {
        var audit = await BankAudit.ReadAsync(bus, cancellationToken);
        Check(audit.Findings.Count == 0, $"The log breaks the bank's promises: {string.Join("; ", audit.Findings.Take(3))}.");
        foreach (var (id, owner) in _accounts)
        {
            var balance = await owner.BalanceAsync(id, cancellationToken);
            var statement = await owner.StatementAsync(id, cancellationToken);
            var sum = statement.Aggregate(Money.Zero, (total, line) => total + line.Amount);
            Check(audit.Balances.TryGetValue(id, out var logged), $"Account {id} is not in the log.");
            Check(balance == logged, $"Account {id} holds {logged} by the log, but the balance is {balance}.");
            Check(balance == sum, $"The statement of account {id} adds up to {sum}, but the balance is {balance}.");
        }

        foreach (var customer in new[] { alice, bob })
        {
            var mine = _accounts.Where(account => account.Owner == customer).Select(account => account.Id).ToHashSet();
            var logged = audit.Transfers.Values.Where(t => mine.Contains(t.Request.FromAccountID) || mine.Contains(t.Request.ToAccountID))
                .ToDictionary(t => t.Request.TransactionID, t => t.Status.ToString().ToUpperInvariant());
            // The list shows the last hundred.
            await customer.TransfersAsync(
                list => list.Count == Math.Min(logged.Count, 100) && list.All(t => logged.GetValueOrDefault(t.TransactionId) == t.Status), cancellationToken);
        }

        return $"{audit.Transfers.Count} transfers agree";
    }

    private async Task<string> CheckBalancesAsync(CancellationToken cancellationToken)
    {
        foreach (var (id, owner) in _accounts)
        {
            var balance = await owner.BalanceAsync(id, cancellationToken);
            Check(balance == _expected[id], $"Account {id} should hold {_expected[id]}, but holds {balance}.");
        }

        return $"{_accounts.Count} accounts";
    }

    private async Task ShowAsync(List<(string What, TransferState State, Money Amount)> transfers, CancellationToken cancellationToken)
    {
        var accounts = new Table().Title("What happened").AddColumns("Account", "Owner");
        foreach (var column in new[] { "Before", "Now", "Statement lines" })
            accounts.AddColumn(new TableColumn(column).RightAligned());
        foreach (var (id, owner) in _accounts)
        {
            var lines = await owner.StatementAsync(id, cancellationToken);
            accounts.AddRow($"{id}", owner.Username, $"{_before[id]}", $"{_expected[id]}", $"{lines.Count}");
        }

        AnsiConsole.Write(accounts);
        var moves = new Table().AddColumns("Transfer", "Accounts").AddColumn(new TableColumn("Amount").RightAligned()).AddColumns("Status", "Reason");
        foreach (var (what, state, amount) in transfers)
            moves.AddRow($"{state.TransactionId}", what, $"{amount}", state.Status, state.Reason ?? "");
        AnsiConsole.Write(moves);
    }

    private static async Task StepAsync(string what, Func<Task<string>> step)
    {
        var watch = Stopwatch.StartNew();
        // In a file or a pipe the line below is enough.
        var result = AnsiConsole.Profile.Capabilities.Interactive ? await AnsiConsole.Status().StartAsync(Markup.Escape(what), _ => step()) : await step();
        AnsiConsole.MarkupLineInterpolated($"[green]ok[/] {what}: [blue]{result.Trim()}[/] [grey]{watch.ElapsedMilliseconds} ms[/]");
    }

    private static void Check(bool right, string problem)
    {
        if (!right)
            throw new DemoFailedException(problem);
    }
}
