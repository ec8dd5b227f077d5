using Bank.Web.Api;

namespace Bank.Web.Live;

/// <summary>
/// Changes that a customer asks for, each of which happens once however often it is sent: the same wish has the same key until one attempt has succeeded,
/// also if something else was wanted in between. While the bank does not answer, a change is repeated for a few seconds.
/// </summary>
public sealed class Change(TimeProvider time)
{
    private const int MaxAttempts = 4;

    /// <summary>Wishes without success that are remembered; the oldest one gives way.</summary>
    private const int MaxOpen = 32;

    private static readonly TimeSpan Pause = TimeSpan.FromSeconds(1);

    private readonly OrderedDictionary<object, Attempts> _open = [];

    /// <summary>True if an attempt was sent and not answered: what was wanted may have happened.</summary>
    public bool MayHaveHappened(object wanted) => _open.TryGetValue(wanted, out var attempts) && attempts.AnyUnanswered;

    /// <summary>Throws what the last attempt met.</summary>
    /// <param name="wanted">What is wanted, to be told from something else by <see cref="object.Equals(object?)"/>.</param>
    /// <param name="send">Sends it with a key.</param>
    /// <param name="cancellationToken">Ends the waiting.</param>
    public async Task<T> SendAsync<T>(object wanted, Func<string, Task<T>> send, CancellationToken cancellationToken)
    {
        if (!_open.TryGetValue(wanted, out var attempts))
        {
            if (_open.Count == MaxOpen)
                _open.RemoveAt(0);
            _open.Add(wanted, attempts = new Attempts());
        }

        for (var attempt = 1; ; attempt++)
        {
            try
            {
                var answer = await send(attempts.Key);
                _open.Remove(wanted);
                return answer;
            }
            catch (BankException e) when (e.IsAway)
            {
                attempts.AnyUnanswered |= e.WasSent;
                if (attempt == MaxAttempts)
                    throw;
                await Task.Delay(Pause, time, cancellationToken);
            }
        }
    }

    private sealed class Attempts
    {
        public string Key { get; } = Guid.NewGuid().ToString("N");

        public bool AnyUnanswered { get; set; }
    }
}
