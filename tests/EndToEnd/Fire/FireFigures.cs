using System.Globalization;
using Bank.Contracts;
using Sequent.Client;

namespace EndToEnd.Fire;

/// <summary>What a run was: how much was asked for, what was answered, what was done to whom.</summary>
internal sealed record FireFigures
{
    private static readonly CultureInfo Text = CultureInfo.InvariantCulture;

    private readonly string _text;

    /// <param name="customers">Who asked.</param>
    /// <param name="requests">Everybody's.</param>
    /// <param name="executioner">What was done meanwhile.</param>
    /// <param name="over">When it was over: what was answered later does not count.</param>
    /// <param name="audit">Of the requests.</param>
    /// <param name="log">The whole log.</param>
    public FireFigures(
        IReadOnlyList<BankCustomer> customers, IReadOnlyList<RecordedRequest> requests, Executioner executioner, DateTimeOffset over, RequestAudit audit, IReadOnlyList<RecordedEvent> log)
    {
        RecordedRequest[] inTime = [.. requests.Where(request => request.Answer?.AnsweredAt <= over)];
        Answered = inTime.Length;
        Accepted = inTime.Count(request => request.Answer!.IsAccepted);
        Refused = inTime.Count(request => request.IsRefused && request.EndedAt <= over);
        Replays = requests.Sum(request => request.Replays.Count(replay => replay.AnsweredAt <= over));
        var pending = log.Where(e => e.Data is PendingTransaction).ToDictionary(e => e.Key, e => e.Time);
        var decided = log.Where(e => e.Data is AcceptedTransaction or RejectedTransaction).Select(e => e.Time - pending[e.Key]);
        var seen = requests.Where(request => request.Settled is not null).Select(request => request.Settled!.Value);
        var wishes = string.Join(", ", requests.GroupBy(request => request.Wish).OrderBy(group => group.Key).Select(group => $"{group.Count()} {group.Key}"));
        _text = string.Create(Text, $"""
            HTTP requests: {customers.Sum(customer => customer.Http.Requests)}, of which {customers.Sum(customer => customer.Http.Answers503)} were answered 503
            writes: {requests.Count} ({wishes}), of which {requests.Count - Answered} were answered after the fire
            answered 2xx: {Accepted}; refused: {Refused} ({100.0 * Refused / Math.Max(1, Answered):N1} % of {Answered} answered)
            writes with unanswered attempts: {requests.Count(request => request.Unanswered.Count > 0)}, with {requests.Sum(request => request.Unanswered.Count)} such attempts
            replays: {Replays}; with another body: {requests.Sum(request => request.Forgeries.Count)}
            refused while an attempt was under way that was stored later: {audit.StoredAfterRefusal}
            kills: {executioner.Kills}, of which {executioner.KillsWhileStarting} while another was starting; freezes: {executioner.Freezes}; in {executioner.Duration.TotalSeconds:N0} s
            a transfer, from POST until its ending is seen: {Percentiles(seen)}
            of that, in the log, from pending until it is decided: {Percentiles(decided)}
            """);
    }

    /// <summary>Writes answered 2xx while it burnt; replays do not count. So it is with the other figures.</summary>
    public int Accepted { get; }

    public int Answered { get; }

    /// <summary>409, and transfers that were rejected.</summary>
    public int Refused { get; }

    public int Replays { get; }

    public override string ToString() => _text;

    private static string Percentiles(IEnumerable<TimeSpan> times)
    {
        double[] sorted = [.. times.Select(time => time.TotalMilliseconds).Order()];
        double At(int percent) => sorted.Length == 0 ? 0 : sorted[Math.Min(sorted.Length - 1, sorted.Length * percent / 100)];
        return string.Create(Text, $"p50 {At(50):N0} ms, p99 {At(99):N0} ms, at most {At(100):N0} ms");
    }
}
