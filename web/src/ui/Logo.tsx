// The mark: a canal lock seen from above, its gates pointing against the water.

export function Logo({ size = 24 }: { size?: number }) {
  return (
    <svg width={size} height={size} viewBox="0 0 32 32" aria-hidden="true" focusable="false">
      <rect width="32" height="32" rx="7" fill="#0f6d78" />
      <path d="M7 7v18M25 7v18" stroke="#fff" strokeWidth="2.6" strokeLinecap="round" />
      <path
        d="M9 10.5 16 15l7-4.5M9 16.5 16 21l7-4.5"
        fill="none"
        stroke="#fff"
        strokeWidth="2.4"
        strokeLinejoin="round"
        strokeLinecap="round"
      />
      <path d="M10 25.5q1.5-1.6 3 0t3 0 3 0 3 0" fill="none" stroke="#8fe0e4" strokeWidth="1.8" strokeLinecap="round" />
    </svg>
  );
}
