using System.Collections.Concurrent;
using System.Diagnostics;
using Bank.Contracts;
using Bank.Tests;
using Demo;
using Sequent.Client;

namespace EndToEnd;

/// <summary>Two processes that decide about the same money.</summary>
[TestFixture(StorageKind.Sqlite)]
[TestFixture(StorageKind.Postgres)]
public class TwoAccountsInstancesTests(StorageKind storageKind)
{
    private const int Accounts = 5;
    private const int Transfers = 200;
    private static readonly Money Start = new(100_00);
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(90);

    private TempFolder _folder = null!;
    private BankStorage _storage = null!;
    private readonly ConcurrentStack<ServiceProcess> _running = [];
    private ServiceProcess _bus = null!;
    private ServiceProcess[] _instances = null!;
    private SequentClient _client = null!;

    [SetUp]
    public async Task StartAsync()
    {
        _folder = new TempFolder();
        _storage = storageKind == StorageKind.Sqlite ? BankStorage.In(_folder.Path) : BankStorage.On(SharedPostgres.Connection);
        _bus = await RunAsync("sequent.dll", "server", "--bind", "127.0.0.1:0", "--data", _folder.File("bus.db"));
        _instances = await Task.WhenAll(StartInstanceAsync(1), StartInstanceAsync(2));
        var options = new SequentOptions { Server = _bus.Address };
        BankJson.Use(options);
        _client = new SequentClient(options);
    }

    [TearDown]
    public async Task StopAsync()
    {
        // A set-up that failed half-way leaves nothing behind either.
        if (_client is not null)
            await _client.DisposeAsync();
        while (_running.TryPop(out var service))
        {
            if (TestContext.CurrentContext.Result.FailCount > 0)
                TestContext.Out.WriteLine(service.Output);
            await service.DisposeAsync();
        }

        if (_storage is not null)
            await _storage.DisposeAsync();
        _folder.Dispose();
    }

    [Test]
    public async Task Transfers_fired_at_once_are_each_decided_once_and_no_money_is_lost()
    {
        var accounts = await OpenAccountsAsync();
        await FireAsync(accounts);
        await ExpectAllDecidedAsync();
    }

    [Test]
    public async Task The_same_with_one_instance_killed_half_way()
    {
        var accounts = await OpenAccountsAsync();
        var firing = FireAsync(accounts);
        await UntilAsync(audit => audit.Transfers.Values.Count(t => t.Status != TransferStatus.Pending) >= Transfers / 2);
        await _instances[0].KillAsync();
        var decidedBefore = (await BankAudit.ReadAsync(_client, default)).Transfers.Values.Count(t => t.Status != TransferStatus.Pending);
        TestContext.Out.WriteLine($"Killed after {decidedBefore} of {Transfers} decisions.");
        await firing;
        await ExpectAllDecidedAsync();

        Assert.That(decidedBefore, Is.LessThan(Transfers), "it was to be killed in the middle of the work");
    }

    private async Task<ServiceProcess> RunAsync(string dll, params string[] arguments)
    {
        var service = await ServiceProcess.StartAsync(dll, arguments);
        _running.Push(service);
        return service;
    }

    private Task<ServiceProcess> StartInstanceAsync(int number) => RunAsync(
        "Bank.Accounts.dll", "--Urls=http://127.0.0.1:0", $"--Sequent:Server={_bus.Address}", $"--ConnectionStrings:State={_storage.StateOf("accounts", number)}");

    /// <summary>Opens the accounts as Users would, and puts money on each.</summary>
    private async Task<long[]> OpenAccountsAsync()
    {
        var requests = await Task.WhenAll(Enumerable.Range(1, Accounts).Select(i =>
            _client.PublishAsync(new AccountCreationRequest($"r{i}", default), Sequence.At(Keys.Request($"r{i}"), 0))));
        await UntilAsync(audit => audit.Balances.Count == Accounts);
        var accounts = requests.Select(receipt => receipt.Position!.Value).ToArray();
        foreach (var id in accounts)
            await _client.PublishAsync(new ConfirmedCredit(id, Start, default, Note: "deposit"), Keys.Account(id));
        return accounts;
    }

    /// <summary>All at once; amounts are large enough that a part of them must be refused.</summary>
    private async Task FireAsync(long[] accounts)
    {
        var random = new Random(2);
        var transfers = Enumerable.Range(1, Transfers).Select(id =>
        {
            var pair = random.GetItems(accounts, 1).Concat(accounts).Distinct().ToArray();
            return new PendingTransaction(id, pair[0], pair[random.Next(1, pair.Length)], new Money(random.Next(1, 90_00)));
        });
        await Task.WhenAll(transfers.Select(transfer => _client.PublishAsync(transfer, Sequence.At(Keys.Transaction(transfer.TransactionID), 0))));
    }

    private async Task ExpectAllDecidedAsync()
    {
        var audit = await UntilAsync(a => a.Transfers.Count == Transfers && a.Transfers.Values.All(t => t.Status != TransferStatus.Pending));

        Assert.That(audit.Findings, Is.Empty);
        Assert.That(audit.PaidIn, Is.EqualTo(new Money(Accounts * Start.Cents)));
        Assert.That(audit.Transfers.Values.Select(t => t.Status).Distinct(), Is.EquivalentTo(new[] { TransferStatus.Accepted, TransferStatus.Rejected }), "both ways out were tried");
    }

    private async Task<BankAudit> UntilAsync(Func<BankAudit, bool> condition)
    {
        var watch = Stopwatch.StartNew();
        while (true)
        {
            var audit = await BankAudit.ReadAsync(_client, default);
            if (condition(audit))
                return audit;
            if (watch.Elapsed > Patience)
                Assert.Fail($"After {watch.Elapsed}: {audit.Transfers.Values.Count(t => t.Status == TransferStatus.Pending)} of {audit.Transfers.Count} transfers are undecided.");
            await Task.Delay(20);
        }
    }
}
