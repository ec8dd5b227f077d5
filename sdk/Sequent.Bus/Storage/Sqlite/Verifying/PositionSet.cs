namespace Sequent.Bus.Storage.Sqlite.Verifying;

/// <summary>Positions, one bit each, in pages that exist only where there are some.</summary>
internal sealed class PositionSet
{
    private const int PageBits = 1 << 15;

    private readonly Dictionary<long, ulong[]> _pages = [];

    /// <summary>Returns false if it was there already.</summary>
    public bool Add(long position)
    {
        if (!_pages.TryGetValue(position / PageBits, out var page))
            _pages.Add(position / PageBits, page = new ulong[PageBits / 64]);
        ref var word = ref page[position % PageBits / 64];
        var bit = 1UL << (int)(position % 64);
        var isNew = (word & bit) == 0;
        word |= bit;
        return isNew;
    }

    public bool Contains(long position) =>
        _pages.TryGetValue(position / PageBits, out var page) && (page[position % PageBits / 64] & (1UL << (int)(position % 64))) != 0;
}
