using System.Diagnostics;
using System.Globalization;
using Bank.Tests;
using Demo;
using Sequent.Client;

namespace EndToEnd.Fire;

/// <summary>
/// Twenty clients move money while every second a process is killed or frozen, the bus included. Afterwards the log has to agree with what they
/// asked for and were told. SEQUENT_FIRE_SECONDS says how long at least, SEQUENT_FIRE_SEED what happens when.
/// </summary>
[TestFixture(StorageKind.Sqlite)]
[TestFixture(StorageKind.Postgres)]
public class BankUnderFireTests(StorageKind storageKind)
{
    private const int Clients = 20;
    private const int Customers = 5;
    private const int HotAccounts = 10;

    /// <summary>While it burns, or it would prove little; so with all that follows. On a slow machine it burns longer until they are reached, at most <see cref="SlowestTimes"/> as long.</summary>
    private const int LeastAccepted = 1_000;

    /// <summary>One answer out of so many has to be a refusal.</summary>
    private const int LeastRefused = 10;

    private const int SlowestTimes = 4;
    private const int LeastReplays = 20;
    private const int LeastKills = 5;
    private const int LeastFreezes = 10;

    private static readonly int Seconds = Setting("SEQUENT_FIRE_SECONDS", 30);
    private static readonly TimeSpan FinishPatience = TimeSpan.FromSeconds(120);

    private TempFolder _folder = null!;
    private BankStorage _storage = null!;
    private BankProcesses _bank = null!;
    private List<BankCustomer> _clients = null!;
    private Executioner _executioner = null!;
    private DateTimeOffset _over;

    [SetUp]
    public async Task StartAsync()
    {
        _folder = new TempFolder();
        _clients = [];
        _storage = storageKind == StorageKind.Sqlite ? BankStorage.In(_folder.Path) : BankStorage.On(SharedPostgres.Connection);
        _bank = new BankProcesses(_folder.Path, _storage, users: 2, others: 3);
        await _bank.StartAsync();
    }

    [TearDown]
    public async Task StopAsync()
    {
        if (TestContext.CurrentContext.Result.FailCount > 0 && _bank is not null)
        {
            TestContext.Out.WriteLine(string.Join('\n', _executioner?.Deeds ?? []));
            TestContext.Out.WriteLine(string.Join('\n', _bank.All.Select(process => process.Output)));
        }

        _clients?.ForEach(client => client.Dispose());
        if (_bank is not null)
            await _bank.DisposeAsync();
        if (_storage is not null)
            await _storage.DisposeAsync();
        _folder.Dispose();
    }

    [Test]
    public async Task No_money_is_lost_and_no_answer_was_a_lie()
    {
        var seed = Setting("SEQUENT_FIRE_SEED", Random.Shared.Next());
        TestContext.Out.WriteLine($"Seed {seed}, {Seconds} s, {storageKind}.");
        _executioner = new Executioner(_bank.All, seed);
        await BurnAsync(seed);

        var clock = Stopwatch.StartNew();
        await _bank.ReadyAsync();
        await DeliveryAudit.SettledAsync(_bank.Bus.Address);
        await using var bus = _bank.CreateBusClient();
        var log = await LogAsync(bus);
        var audit = await BankAudit.ReadAsync(bus, CancellationToken.None);
        RecordedRequest[] requests = [.. _clients.SelectMany(client => client.Records)];
        var requestAudit = RequestAudit.Of(requests, log);
        var (clientTypes, deliveryFindings) = await DeliveryAudit.FindAsync(_bank.Bus.Address);
        var readModelFindings = await ReadModelAudit.FindAsync(_bank, _storage, audit, [.. _clients.DistinctBy(client => client.Username)], requests, log);
        var figures = new FireFigures(_clients, requests, _executioner, _over, requestAudit, log);
        TestContext.Out.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{figures}\nevents in the log: {log.Count}, audited in {clock.Elapsed.TotalSeconds:N1} s"));

        Assert.Multiple(() =>
        {
            Assert.That(audit.Findings, Is.Empty, "the log");
            Assert.That(audit.Transfers.Values.Where(t => t.Status == Bank.Contracts.TransferStatus.Pending), Is.Empty, "transfers nobody decided");
            Assert.That(requestAudit.Findings, Is.Empty, "what was answered");
            Assert.That(readModelFindings, Is.Empty, "what the instances say afterwards");
            Assert.That(deliveryFindings, Is.Empty, "what the bus says of its client types");
            Assert.That(clientTypes, Is.SupersetOf(new[] { "accounts", "users" }));
            Assert.That(_executioner.Findings, Is.Empty, "what ended by itself");
            Assert.That(_clients.SelectMany(client => client.Http.Failures), Is.Empty, "answers that no route names");
        });
        Assert.Multiple(() =>
        {
            Assert.That(figures.Accepted, Is.GreaterThanOrEqualTo(LeastAccepted), "writes answered 2xx");
            Assert.That(figures.Refused, Is.GreaterThanOrEqualTo(figures.Answered / LeastRefused), "refused writes");
            Assert.That(figures.Replays, Is.GreaterThanOrEqualTo(LeastReplays), "replays");
            Assert.That(_executioner.Kills, Is.GreaterThanOrEqualTo(LeastKills), "kills");
            Assert.That(_executioner.Freezes, Is.GreaterThanOrEqualTo(LeastFreezes), "freezes");
            Assert.That(HasHarmedTheBus, Is.True, "the bus among the victims, of both");
        });
    }

    private bool HasHarmedTheBus => _executioner.Deeds.Where(deed => deed.Victim == _bank.Bus).DistinctBy(deed => deed.IsKill).Count() == 2;

    private bool IsEnough =>
        _executioner is { Kills: >= LeastKills, Freezes: >= LeastFreezes } && HasHarmedTheBus
        && _clients.Sum(client => client.Accepted) >= LeastAccepted
        && _clients.Sum(client => client.Refused) >= _clients.Sum(client => client.Answered) / LeastRefused
        && _clients.Sum(client => client.Replays) >= LeastReplays;

    private async Task BurnAsync(int seed)
    {
        var (amounts, hot) = (new Amounts(), new List<(string Owner, long Account)>());
        for (var i = 0; i < Clients; i++)
            _clients.Add(new BankCustomer(_bank, $"customer-{i % Customers}", i));
        foreach (var client in _clients)
            await client.SignInAsync();
        foreach (var client in _clients.Take(HotAccounts))
            hot.Add((client.Username, await client.OpenAsync()));

        using var over = new CancellationTokenSource();
        long[] all = [.. hot.Select(account => account.Account)];
        var load = _clients.Select((client, i) =>
        {
            long[] mine = [.. hot.Where(account => account.Owner == client.Username).Select(account => account.Account)];
            return Task.Run(() => new FireLoad(client, mine, all, amounts, new Random(seed + i + 1)).RunAsync(over.Token));
        }).ToArray();
        await _executioner.RunAsync(passed => passed.TotalSeconds < Seconds || (passed.TotalSeconds < SlowestTimes * Seconds && !IsEnough));
        _over = DateTimeOffset.UtcNow;
        await over.CancelAsync();
        await _executioner.MendAsync();
        await Task.WhenAll(load).WaitAsync(FinishPatience);
    }

    private static async Task<List<RecordedEvent>> LogAsync(SequentClient bus)
    {
        var log = new List<RecordedEvent>();
        await foreach (var e in bus.QueryAsync(new EventQuery()))
            log.Add(e);
        return log;
    }

    private static int Setting(string name, int otherwise) =>
        Environment.GetEnvironmentVariable(name) is { Length: > 0 } text ? int.Parse(text, CultureInfo.InvariantCulture) : otherwise;
}
