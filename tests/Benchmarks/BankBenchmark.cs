using System.Diagnostics;
using System.Globalization;
using EndToEnd;
using EndToEnd.Fire;
using Sequent.Client;

namespace Sequent.Benchmarks;

/// <summary>The bank over HTTP, every part a process of its own: how long one transfer takes, and whether 200 a second are held.</summary>
internal static class BankBenchmark
{
    private const int IdleWarmUp = 200;
    private const int IdleTransfers = 300;
    private const int IdleMedianLimit = 50; // ms

    private const int Rate = 200;

    /// <summary>What comes in within half a second: the last ones are always under way, and a hiccup is no trend.</summary>
    private const int MaxGrowth = Rate / 2;

    private const int Customers = 10;
    private const int AccountsEach = 10;
    private static readonly TimeSpan WarmUp = TimeSpan.FromSeconds(15);
    private static readonly TimeSpan MarkEvery = TimeSpan.FromSeconds(10);
    private static readonly TimeSpan Duration = TimeSpan.FromSeconds(30);
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);

    /// <exception cref="InvalidOperationException">A limit was not kept.</exception>
    public static async Task RunAsync(string folder)
    {
        await using var bank = new BankProcesses(folder, BankStorage.In(folder), users: 1, others: 2);
        await bank.StartAsync();
        await using var bus = bank.CreateBusClient();
        var accounts = new List<(BankSession Owner, long Id)>();
        for (var i = 0; i < Customers; i++)
        {
            var customer = await BankSession.StartAsync(bank, $"customer-{i}");
            for (var n = 0; n < AccountsEach; n++)
                accounts.Add((customer, await customer.OpenAsync()));
        }

        try
        {
            var median = await MeasureIdleAsync(accounts);
            await MeasureLoadAsync(bus, accounts);
            if (median > IdleMedianLimit)
                throw new InvalidOperationException($"A transfer took longer than {IdleMedianLimit} ms.");
        }
        finally
        {
            foreach (var customer in accounts.Select(account => account.Owner).Distinct())
                customer.Dispose();
        }
    }

    private static async Task<double> MeasureIdleAsync(List<(BankSession Owner, long Id)> accounts)
    {
        var times = new List<double>();
        for (var i = 0; i < IdleWarmUp + IdleTransfers; i++)
        {
            var ((owner, from), (_, to)) = (accounts[i % accounts.Count], accounts[(i + 1) % accounts.Count]);
            var clock = Stopwatch.StartNew();
            await owner.SettledAsync(await owner.TransferAsync(from, to));
            if (i >= IdleWarmUp)
                times.Add(clock.Elapsed.TotalMilliseconds);
        }

        times.Sort();
        Print($"""
            ## A transfer when nothing else happens

            From the POST until a GET answers ACCEPTED, one at a time, asked again without a pause: {Percentiles(times)}, of {IdleTransfers}.

            """);
        return At(times, 50);
    }

    private static async Task MeasureLoadAsync(SequentClient bus, List<(BankSession Owner, long Id)> accounts)
    {
        var load = new OfferedLoad(accounts, Rate);
        using var stop = new CancellationTokenSource();
        var following = load.FollowAsync(bus, stop.Token);
        await load.OfferAsync(WarmUp);
        await load.SettledAsync(Patience);

        load.Restart();
        var marks = new List<(TimeSpan After, int Backlog)>();
        for (var after = MarkEvery; after <= Duration; after += MarkEvery)
        {
            await load.OfferAsync(MarkEvery);
            marks.Add((after, load.Backlog));
        }

        var (offered, backlog) = (load.Offered, load.Backlog);
        await load.SettledAsync(Patience);
        await stop.CancelAsync();
        await following;

        Print($"""
            ## {Rate} transfers a second, offered evenly for {Duration.TotalSeconds} s

            Two instances of Accounts and of Transactions, one of Users; {accounts.Count} accounts of {Customers} customers; {WarmUp.TotalSeconds} s of the same before, which do not count.

            - offered {offered}, decided within the {Duration.TotalSeconds} s: {(offered - backlog) / Duration.TotalSeconds:N1} a second
            - offered and not yet decided: {string.Join(", ", marks.Select(mark => $"{mark.Backlog} after {mark.After.TotalSeconds} s"))}
            - the POST: {Percentiles(load.Answered)}
            - from the moment it was due until somebody who follows the log sees it decided: {Percentiles(load.Decided)}

            """);
        if (marks[^1].Backlog > marks[0].Backlog + MaxGrowth)
            throw new InvalidOperationException($"The backlog grew from {marks[0].Backlog} to {marks[^1].Backlog}: the bank does not hold {Rate} transfers a second.");
    }

    private static string Percentiles(IReadOnlyCollection<double> times)
    {
        List<double> sorted = [.. times.Order()];
        return string.Create(CultureInfo.InvariantCulture, $"{At(sorted, 50):N1} ms median, {At(sorted, 99):N1} ms p99");
    }

    private static double At(List<double> sorted, int percent) => sorted[Math.Min(sorted.Count - 1, sorted.Count * percent / 100)];

    private static void Print(FormattableString text) => Console.WriteLine(text.ToString(CultureInfo.InvariantCulture));
}
