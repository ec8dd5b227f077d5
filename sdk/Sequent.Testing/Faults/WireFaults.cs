namespace Sequent.Testing.Faults;

/// <summary>What a test wants of the connections, and which there are.</summary>
internal sealed class WireFaults : IDisposable
{
    private readonly Lock _lock = new();
    private readonly HashSet<Link> _links = [];
    private readonly Dictionary<string, int> _rejections = new(StringComparer.Ordinal);
    private ITimer? _cuts;
    private int _receiptsToLose;
    private long _cutLinks;
    private long _lostReceipts;
    private volatile bool _hasRejections;

    public Delay ReceiptDelay { get; } = new();

    /// <summary>How many connections of clients were cut.</summary>
    public long CutLinks => Interlocked.Read(ref _cutLinks);

    public long LostReceipts => Interlocked.Read(ref _lostReceipts);

    /// <summary>Some key's next append is to be rejected, so messages have to be looked into.</summary>
    public bool HasRejections => _hasRejections;

    public void Add(Link link)
    {
        lock (_lock)
            _links.Add(link);
    }

    public void Remove(Link link)
    {
        lock (_lock)
            _links.Remove(link);
    }

    /// <summary>Ends connections as a broken network does.</summary>
    /// <param name="ownToo">Also those of the test bus itself.</param>
    public void Cut(bool ownToo)
    {
        Link[] links;
        lock (_lock)
            links = [.. _links];
        foreach (var link in links.Where(l => ownToo || !l.IsOwn))
        {
            link.Cut();
            if (!link.IsOwn)
                Interlocked.Increment(ref _cutLinks);
        }
    }

    /// <summary>Ends the connections of clients again and again; null: no more.</summary>
    public void CutEvery(TimeSpan? interval)
    {
        lock (_lock)
        {
            _cuts?.Dispose();
            _cuts = interval is { } time ? TimeProvider.System.CreateTimer(_ => Cut(ownToo: false), null, time, time) : null;
        }
    }

    public void LoseReceipts(int count) => Interlocked.Add(ref _receiptsToLose, count);

    /// <summary>The receipt at hand is to be lost.</summary>
    public bool TakeReceiptLoss()
    {
        if (Volatile.Read(ref _receiptsToLose) <= 0)
            return false;
        if (Interlocked.Decrement(ref _receiptsToLose) >= 0)
        {
            Interlocked.Increment(ref _lostReceipts);
            return true;
        }

        Interlocked.Increment(ref _receiptsToLose);
        return false;
    }

    public void Reject(string key, int times)
    {
        lock (_lock)
        {
            _rejections[key] = _rejections.GetValueOrDefault(key) + times;
            _hasRejections = true;
        }
    }

    /// <summary>The append or expectation of a key at hand is to be rejected.</summary>
    public bool TakeRejection(string key)
    {
        lock (_lock)
        {
            if (!_rejections.TryGetValue(key, out var times))
                return false;
            if (times > 1)
                _rejections[key] = times - 1;
            else
                _rejections.Remove(key);
            _hasRejections = _rejections.Count > 0;
            return true;
        }
    }

    public void EndAll()
    {
        CutEvery(null);
        ReceiptDelay.Set(TimeSpan.Zero);
        Volatile.Write(ref _receiptsToLose, 0);
        lock (_lock)
        {
            _rejections.Clear();
            _hasRejections = false;
        }
    }

    public void Dispose() => CutEvery(null);
}
