namespace Sequent.Testing.Faults;

/// <summary>What a test wants of the connections, and which there are.</summary>
internal sealed class WireFaults : IDisposable
{
    private readonly Lock _lock = new();
    private readonly HashSet<Link> _links = [];
    private readonly Dictionary<string, LinkGroup> _groups = new(StringComparer.Ordinal);
    private readonly LinkGroup _others = new("");
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

    /// <summary>Sets connections apart from all others.</summary>
    public LinkGroup NewGroup(bool isOwn = false)
    {
        lock (_lock)
        {
            var group = new LinkGroup($"/group-{_groups.Count}", isOwn);
            _groups.Add(group.Path, group);
            return group;
        }
    }

    /// <summary>Whose a connection at a path is.</summary>
    public LinkGroup GroupOf(string? path)
    {
        lock (_lock)
            return _groups.GetValueOrDefault(path ?? "", _others);
    }

    public void Add(Link link)
    {
        lock (_lock)
            _links.Add(link);

        // It may have died after it was let in.
        if (link.Group.IsDead)
            Cut(link);
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
        foreach (var link in Links().Where(l => ownToo || !l.Group.IsOwn))
            Cut(link);
    }

    /// <summary>Ends all connections of a group without a goodbye, and takes no more of them.</summary>
    public void Kill(LinkGroup group)
    {
        group.Die();
        foreach (var link in Links().Where(l => l.Group == group))
            Cut(link);
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
        // Another receipt may be lost, or all faults be ended, at the same time.
        for (var left = Volatile.Read(ref _receiptsToLose); left > 0;)
        {
            var seen = Interlocked.CompareExchange(ref _receiptsToLose, left - 1, left);
            if (seen == left)
            {
                Interlocked.Increment(ref _lostReceipts);
                return true;
            }

            left = seen;
        }

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
            foreach (var group in _groups.Values)
                group.Gate.Open();
        }
    }

    public void Dispose() => CutEvery(null);

    private void Cut(Link link)
    {
        if (link.Cut() && !link.Group.IsOwn)
            Interlocked.Increment(ref _cutLinks);
    }

    private Link[] Links()
    {
        lock (_lock)
            return [.. _links];
    }
}
